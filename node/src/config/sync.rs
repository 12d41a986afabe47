//! `[sync]`
use std::time::Duration;

use serde::Deserialize;

use super::value::{bounded, seconds};

/// `[sync]`: the text's keys with the text's defaults, D-1, D-3 and the switches of D-28.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sync {
    /// Between two ticks of the coordinator; 1 s to a day.
    #[serde(deserialize_with = "seconds")]
    pub coordinator_interval: Duration,
    /// Blocks of one request; 1 to 500.
    #[serde(deserialize_with = "bounded::<_, _, 1, 500>")]
    pub max_sync_batch_size: u64,
    /// The lag in blocks beyond which a sync starts; 0 to 10,000.
    #[serde(deserialize_with = "bounded::<_, _, 0, 10_000>")]
    pub sync_threshold: u64,
    /// Without a block for so long another whitelisted peer is asked, too (D-3); 1 s to a day.
    #[serde(deserialize_with = "seconds")]
    pub hedge_after: Duration,
    /// Follow one whitelisted peer that is ahead of the median (D-1).
    pub leader_rule: bool,
    /// Component 1.
    pub enable_coordinator: bool,
    /// Component 2: no vote about a whitelisted peer's blocks.
    pub trust_whitelisted: bool,
    /// Component 3: search deeper and more often with whitelisted peers.
    pub priority_forks: bool,
    /// Component 4.
    pub heights_in_pings: bool,
    /// Component 5: 300 s instead of 120 s for whitelisted peers.
    pub masternode_timeouts: bool,
}

impl Default for Sync {
    fn default() -> Self {
        Self {
            coordinator_interval: Duration::from_secs(30),
            max_sync_batch_size: 500,
            sync_threshold: 5,
            hedge_after: Duration::from_secs(60),
            leader_rule: true,
            enable_coordinator: true,
            trust_whitelisted: true,
            priority_forks: true,
            heights_in_pings: true,
            masternode_timeouts: true,
        }
    }
}
