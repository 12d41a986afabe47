//! `[sync]` of all nodes: within the ranges that the node takes, and so that the nodes still owe convergence.
//!
//! Component 1 and 2, the leader rule and the deep searches stay on: without one of them nodes need not agree (D-1, D-28, Root cause 2),
//! and three attempts of a search end within one cut (D-6).
use super::dice::Dice;
use super::links::Links;

/// Settings that differ from the defaults, and what the budget needs of the others.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Seconds between two looks of the coordinator.
    pub interval: u64,
    /// Blocks of one request.
    pub batch: u64,
    /// Blocks behind that start no sync.
    pub threshold: u64,
    /// Seconds until another peer is asked too.
    pub hedge: u64,
    heights_in_pings: bool,
    masternode_timeouts: bool,
}

impl Settings {
    /// Those of a scenario where blocks are made, or aren't; `fits` says whether ranges of so many blocks come in time.
    pub fn draw(dice: &mut Dice, drawn: bool, produces: bool, fits: &dyn Fn(u64) -> bool) -> Self {
        let mut settings = Self {
            interval: 30,
            batch: 500,
            threshold: 5,
            hedge: 60,
            heights_in_pings: true,
            masternode_timeouts: true,
        };
        if drawn {
            settings.interval = *dice.one_of(&[5, 10, 15, 20, 30, 45, 60]);
            settings.hedge = *dice.one_of(&[10, 15, 30, 60, 90]);
            settings.heights_in_pings = dice.percent(85);
            settings.masternode_timeouts = dice.percent(90);
            // Whoever is less behind is brought up by announcements only, which come from those that are near the median (D-14, D-16).
            settings.threshold = match produces {
                true => *dice.one_of(&[0, 1, 2, 5, 10, 20]),
                false => *dice.one_of(&[0, 1, 2, 5, 10, 50, 100]),
            };
            // Small ranges only where there are few: each takes its round trips.
            let batches: Vec<u64> =
                [1, 20, 50, 100, 101, 250, 499, 500].into_iter().filter(|batch| fits(*batch)).collect();
            settings.batch = if batches.is_empty() { 500 } else { *dice.one_of(&batches) };
        }
        settings
    }

    /// Looks and asks sooner; whether that was possible.
    pub fn quicken(&mut self) -> bool {
        let before = (self.interval, self.hedge);
        self.interval = (self.interval / 2).clamp(5, self.interval);
        self.hedge = (self.hedge / 2).clamp(5, self.hedge);
        before != (self.interval, self.hedge)
    }

    /// Seconds to fetch so many blocks from one peer: ranges one after the other, 1.1 kB a block.
    pub fn transfer(&self, blocks: u64, links: &Links, disk: u64) -> u64 {
        let ms = blocks.div_ceil(self.batch) * a_range(links, disk);
        let sending = links.slowest().map_or(0, |rate| blocks * 11 / 10 / rate);
        ms.div_ceil(1_000) + sending + 1
    }

    /// The `[sync]` part of the node's `config`, of what differs from the defaults.
    pub fn text(&self) -> Option<String> {
        let mut keys = Vec::new();
        for (key, value, usual) in [
            ("coordinator_interval", self.interval, 30),
            ("max_sync_batch_size", self.batch, 500),
            ("sync_threshold", self.threshold, 5),
            ("hedge_after", self.hedge, 60),
        ] {
            if value != usual {
                keys.push(format!("{key}: {value}"));
            }
        }
        for (key, on) in
            [("heights_in_pings", self.heights_in_pings), ("masternode_timeouts", self.masternode_timeouts)]
        {
            if !on {
                keys.push(format!("{key}: false"));
            }
        }
        (!keys.is_empty()).then(|| format!("sync: {{{}}}", keys.join(", ")))
    }
}

/// Milliseconds from one range of a peer to the next: on the worst line, and not faster than it takes questions (1,000 of a regular peer in 10 s, of
/// which a node leaves some for hashes).
pub fn a_range(links: &Links, disk: u64) -> u64 {
    (links.range() + disk).max(13)
}
