//! The core on a network: one loop, one connection task a socket.
pub mod network;
