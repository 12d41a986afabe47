//! The hand of the harness in a network namespace that it may not enter: a process in there makes the TUN device and the sockets, and passes
//! their descriptors out over a Unix socket.
//!
//! `lockstep-agent SOCKET` connects to the harness, obeys one [`Order`] after the other, and ends when the harness does.
//! `lockstep-agent SOCKET PROGRAM WORD..` connects, and becomes the program when the harness says so: starting a container takes a while, this
//! doesn't.
mod order;
mod talk;
mod tun;

pub use order::Order;
pub use talk::{Answer, Talk, hold, listening, serve};
pub use tun::{MTU, PATH, Tun, told};
