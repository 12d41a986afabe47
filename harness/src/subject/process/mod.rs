//! Subjects as processes, each in a network namespace of its own, joined by the harness's packet link.
mod connections;
mod forwarder;
pub mod namespace;
mod packet;
pub mod packet_link;
pub mod privilege;
pub mod spawner;
mod tun;
