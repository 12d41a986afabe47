//! The node's configuration: defaults, then file, then flags.
mod chain;
mod error;
mod file;
mod log;
mod network;
mod peer_address;
mod producer;
mod sync;
mod template;
#[cfg(test)]
mod tests;
mod value;

pub use chain::Chain;
pub use error::ConfigError;
pub use file::{Config, Overrides};
pub use log::Log;
pub use network::Network;
pub use peer_address::{ParsePeerAddressError, PeerAddress};
pub use producer::Producer;
pub use sync::Sync;
pub use template::template;
