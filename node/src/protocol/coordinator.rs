//! "Am I behind?" (Component 1, D-1): a pure decision over the heights of whitelisted peers.
use std::net::IpAddr;

use super::mark::{self, Mark};
use super::mutant::{self, Mutant};
use super::timing::LEAD_ALARM;
use crate::chain::Height;

/// What one whitelisted peer offers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub ip: IpAddr,
    pub height: Height,
    pub benched: bool,
}

/// What a tick finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finding {
    /// The median of all whitelisted heights, benched ones too.
    pub consensus: Height,
    pub lag: Lag,
}

/// Where we stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lag {
    /// Median rule: more than the threshold behind the median.
    Behind,
    /// Leader rule: this peer, the highest that isn't benched, is more than the threshold ahead.
    LeaderAhead { ip: IpAddr, height: Height },
    /// Neither.
    InSync,
}

impl Finding {
    /// More than 100 ahead of the median: a fork or a partition (D-13).
    pub fn alarming(&self, our: Height) -> bool {
        our > self.consensus.saturating_add(LEAD_ALARM)
    }
}

/// `None` without whitelisted heights (D-20).
pub(super) fn find(our: Height, sources: &[Source], threshold: u64, leader_rule: bool) -> Option<Finding> {
    let consensus = median(sources.iter().map(|source| source.height).collect())?;
    let threshold = threshold - u64::from(threshold > 0 && mutant::is(Mutant::ThresholdOffByOne));
    let line = our.saturating_add(threshold);
    let lag = if consensus > line {
        Lag::Behind
    } else {
        let leader_rule = leader_rule && !mutant::is(Mutant::NoLeaderRule);
        let ahead = sources.iter().filter(|source| leader_rule && !source.benched && source.height > line);
        match highest(ahead) {
            Some(leader) => {
                mark::reached(Mark::LeaderRule);
                Lag::LeaderAhead { ip: leader.ip, height: leader.height }
            }
            None => Lag::InSync,
        }
    };
    Some(Finding { consensus, lag })
}

/// The highest source; of equal ones that with the lowest IP (D-7).
pub(super) fn highest<'a>(sources: impl Iterator<Item = &'a Source>) -> Option<Source> {
    sources.max_by_key(|source| (source.height, std::cmp::Reverse(source.ip))).copied()
}

/// The middle height, or the floor of the mean of the middle two.
fn median(mut heights: Vec<Height>) -> Option<Height> {
    if !mutant::is(Mutant::MedianUnsorted) {
        heights.sort_unstable();
    }
    let middle = heights.len() / 2;
    let upper = *heights.get(middle)?;
    if heights.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = heights[middle - 1];
    if mutant::is(Mutant::MeanOverflows) {
        return Some(lower.wrapping_add(upper) / 2);
    }
    let up = u64::from(mutant::is(Mutant::MeanRoundsUp));
    Some(lower / 2 + upper / 2 + (lower % 2 + upper % 2 + up) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(our: Height, heights: &[Height]) -> (Height, Lag) {
        let source = |(i, height): (usize, &Height)| Source { ip: ip(i), height: *height, benched: false };
        let sources: Vec<Source> = heights.iter().enumerate().map(source).collect();
        let finding = find(our, &sources, 5, true).expect("heights are known");
        (finding.consensus, finding.lag)
    }

    fn ip(i: usize) -> IpAddr {
        IpAddr::from([10, 0, 0, i as u8])
    }

    #[test]
    fn the_median_is_of_sorted_heights_and_rounds_down() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![1200, 1010, 1100]), Some(1100));
        assert_eq!(median(vec![1200, 1010, 1100, 1021]), Some(1060));
        assert_eq!(median(vec![u64::MAX, u64::MAX]), Some(u64::MAX));
        assert_eq!(median(vec![u64::MAX, 1101]), Some((u64::MAX / 2) + 551), "no overflow");
    }

    #[test]
    fn behind_begins_above_the_threshold() {
        assert_eq!(lag(1000, &[1005]), (1005, Lag::InSync));
        assert_eq!(lag(1000, &[1006]), (1006, Lag::Behind));
    }

    #[test]
    fn the_leader_rule_fires_where_the_median_rule_does_not() {
        let leader = Lag::LeaderAhead { ip: ip(2), height: 1100 };
        assert_eq!(lag(1000, &[1000, 1000, 1100]), (1000, leader));
        assert_eq!(lag(1000, &[1000, 1000, 1100, 1100]), (1050, Lag::Behind));
        assert_eq!(lag(1000, &[1000, 1005, 1000, 1000]), (1000, Lag::InSync));
    }

    #[test]
    fn a_benched_leader_does_not_count_but_its_height_does() {
        let sources = [
            Source { ip: ip(1), height: 9000, benched: true },
            Source { ip: ip(2), height: 1000, benched: false },
            Source { ip: ip(3), height: 1010, benched: false },
        ];
        let finding = find(1000, &sources, 20, true).expect("heights are known");
        assert_eq!(finding, Finding { consensus: 1010, lag: Lag::InSync });
    }

    #[test]
    fn more_than_100_ahead_is_alarming() {
        let finding = Finding { consensus: 5500, lag: Lag::InSync };
        assert!(!finding.alarming(5600));
        assert!(finding.alarming(5601));
    }
}
