//! What a peer knows while it acts on one connection.
use std::sync::Arc;
use std::time::Duration;

use node::chain::Height;
use node::runtime::network::Clock;
use node::wire::Message;
use rand::RngCore;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::served::Served;

/// One connection's circumstances.
pub struct Scene {
    /// Whether the peer dialled it.
    pub dialled: bool,
    /// When it began.
    pub began: Instant,
    /// When it acts.
    pub now: Instant,
    /// What the peer serves.
    pub served: Served,
    /// The height that it tells.
    pub told: Height,
    /// The peer's wall clock.
    pub clock: Arc<dyn Clock>,
    /// Drawn from the run's seed for this connection.
    pub rng: ChaCha8Rng,
}

impl Scene {
    /// How long the connection has been there.
    pub fn age(&self) -> Duration {
        self.now - self.began
    }

    /// Seconds since 1970 by the peer's clock.
    pub fn unix_s(&self) -> i64 {
        self.clock.unix_ms().div_euclid(1_000)
    }

    /// A ping with a fresh nonce.
    pub fn ping(&mut self) -> Message {
        Message::Ping { nonce: self.rng.next_u64(), timestamp: self.unix_s(), height: Some(self.told) }
    }
}
