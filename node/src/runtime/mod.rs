//! The core on a network: one loop, one connection task a socket.
mod clock;
mod connection;
mod driver;
mod line_budget;
pub mod network;
mod status;
#[cfg(test)]
mod tests;
mod tokio_net;

pub use clock::{FileClock, SystemClock};
pub use driver::{Parts, RunError, run};
pub use network::{Accepted, Clock, Listener, Network};
pub use status::{NoAnswer, StatusHandle, StatusPort, status_channel};
pub use tokio_net::{TcpNetwork, TcpPort};
