//! Making blocks (D-14): in one's own slot, and never while behind.
use std::time::Duration;

use super::fork::Contest;
use super::mark::{self, Mark};
use super::timing::{BLOCK_SECONDS, PRODUCE_LAG};
use super::{After, Core};
use crate::chain::{ChainView, Write, next_block};

impl Core {
    /// The start of our next slot on the wall clock; asked again after each, so that a clock that jumps is followed.
    pub(super) fn schedule_production(&mut self) {
        let producer = &self.config.producer;
        if !producer.enabled {
            return;
        }
        let interval = self.timing.scaled(producer.interval).as_millis() as i64;
        let current = self.now.unix_ms.div_euclid(interval);
        let (slot, slots) = (producer.slot as i64, producer.slots.max(1) as i64);
        let until_ours = (slot - (current + 1)).rem_euclid(slots);
        let start = (current + 1 + until_ours) * interval;
        // Not longer than a turn at once: the clock may be set meanwhile.
        let wait = (start - self.now.unix_ms).clamp(1, slots * interval);
        self.produce_at = Some(self.now.at + Duration::from_millis(wait as u64));
    }

    pub(super) fn produce(&mut self, chain: &dyn ChainView) {
        self.schedule_production();
        let producer = &self.config.producer;
        let interval = self.timing.scaled(producer.interval).as_millis() as i64;
        let ours =
            self.now.unix_ms.div_euclid(interval).rem_euclid(producer.slots.max(1) as i64) == producer.slot as i64;
        let tip = chain.tip();
        // While it is only asked who holds a branch, nothing is under way: whoever shows a losing one all the time must not keep us silent.
        let reorganising = self.forks.contest.as_ref().is_some_and(Contest::fetches);
        let syncing = self.write_pending() || !self.chain_download.ranges.is_empty() || reorganising;
        let timestamp = self.now_unix();
        if !ours || syncing || timestamp <= tip.timestamp {
            return;
        }
        if self.expected_height(chain) > tip.height.saturating_add(PRODUCE_LAG) {
            return mark::reached(Mark::ProducerSilent);
        }
        let leader = self.config.network.listen.ip().to_string();
        let block = next_block(&tip, timestamp, &leader, self.rng.next());
        self.write(Write::Append(vec![block.clone()]), After::Produced(block));
    }

    /// The highest of the median and, where it is configured, the height that the clock expects.
    fn expected_height(&self, chain: &dyn ChainView) -> u64 {
        let median = self.finding(chain).map_or(0, |finding| finding.consensus);
        if !self.config.producer.time_based {
            return median;
        }
        let genesis = chain.block_at(0).map_or(0, |block| block.timestamp());
        let by_clock = self.now_unix().saturating_sub(genesis) / BLOCK_SECONDS;
        median.max(u64::try_from(by_clock).unwrap_or(0))
    }
}
