//! The hand of the harness in a network namespace that it may not enter: a process in there makes the TUN device and the sockets, and passes
//! their descriptors out over a Unix socket.
//!
//! `lockstep-agent SOCKET` connects to the harness, obeys one [`Order`] after the other, and ends when the harness does.
mod order;
mod talk;
mod tun;

pub use order::Order;
pub use talk::{Answer, Talk, listening, serve};
pub use tun::{MTU, PATH, Tun, told};
