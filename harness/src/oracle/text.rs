//! The text's numbers, for one configuration.
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use node::chain::{Hash, Height};
use node::config::{Config, Sync};

/// What a node has to keep to.
#[derive(Debug)]
pub struct Text {
    pub whitelist: BTreeSet<IpAddr>,
    pub blacklist: BTreeSet<IpAddr>,
    /// Slots in all, and those of them that only whitelisted peers get.
    pub slots: (usize, usize),
    pub sync: Sync,
    /// The first block's hash.
    pub genesis: Option<Hash>,
    scale: u32,
}

impl Text {
    pub fn new(config: &Config, genesis: Option<Hash>) -> Self {
        let network = &config.network;
        Self {
            whitelist: network.whitelisted_peers.iter().map(|peer| peer.ip).collect(),
            blacklist: network.blacklisted_peers.iter().copied().collect(),
            slots: (network.max_connections, network.reserved_masternode_slots),
            sync: config.sync.clone(),
            genesis,
            scale: config.time_scale.max(1),
        }
    }

    /// D-29: everything is divided by the time scale.
    fn seconds(&self, seconds: u64) -> Duration {
        // Asked for each message, and a division costs as much as all else of it.
        if self.scale == 1 { Duration::from_secs(seconds) } else { Duration::from_secs(seconds) / self.scale }
    }

    /// Phase 1: between two pings.
    pub fn ping_interval(&self) -> Duration {
        self.seconds(30)
    }

    /// Phase 1: between two looks for pings that have expired.
    pub fn check_interval(&self) -> Duration {
        self.seconds(10)
    }

    /// Phases 1 and 2, D-4: when a ping has expired, and how many do so until the peer is given up.
    pub fn patience(&self, whitelisted: bool) -> (Duration, usize) {
        if whitelisted { (self.seconds(180), 6) } else { (self.seconds(90), 3) }
    }

    /// Component 5: how long a request lives.
    pub fn timeout(&self, whitelisted: bool) -> Duration {
        self.seconds(if whitelisted && self.sync.masternode_timeouts { 300 } else { 120 })
    }

    /// D-7: the first bench, and the longest.
    pub fn bench(&self) -> (Duration, Duration) {
        (self.seconds(60), self.seconds(30 * 60))
    }

    /// D-15: how often the same range goes to the same peer, and in what time.
    pub fn same_range(&self) -> (usize, Duration) {
        (3, self.seconds(300))
    }

    /// Phase 2, D-25: how long after so many failures in a row a peer is dialled again, where the last connection that was a good one is `steps`
    /// failures ago.
    pub fn back_off(&self, whitelisted: bool, failures: u32, steps: u32) -> Duration {
        let (first, cap, most) = if whitelisted { (2, 60, 50) } else { (5, 300, 10) };
        match failures >= most {
            true => self.seconds(3600),
            false => self.seconds((first << steps.min(16)).min(cap)),
        }
    }

    /// D-25: a connection that lasts so long is a good one.
    pub fn good_connection(&self) -> Duration {
        self.seconds(30)
    }

    /// Component 3, D-6: how deep the search for a common ancestor goes, and how often it is tried.
    pub fn search(&self, whitelisted: bool) -> (Height, u32) {
        if whitelisted && self.sync.priority_forks { (10_000, 10) } else { (2_000, 3) }
    }

    /// D-6: no search with a peer for so long after it was given up.
    pub fn search_pause(&self) -> Duration {
        self.seconds(600)
    }

    /// Wire protocol, rates: pings of a regular peer in so much time.
    pub fn ping_rate(&self) -> (usize, Duration) {
        (20, self.seconds(10))
    }

    /// Phase 2, Connection slots: whether one more peer gets one, beside so many regular ones and so many in all.
    pub fn admits(&self, whitelisted: bool, regular: usize, all: usize) -> bool {
        let (most, reserved) = self.slots;
        all < most && (whitelisted || regular < most.saturating_sub(reserved))
    }

    /// The height in our pings and pongs (Component 4).
    pub fn told(&self, tip: Height) -> Option<Height> {
        self.sync.heights_in_pings.then_some(tip)
    }
}
