//! The search for a common ancestor: a pipelined ladder of at most three rounds (D-6).
use std::collections::BTreeMap;
use std::time::Duration;

use crate::chain::{Hash, Height};
use crate::protocol::mutant::{self, Mutant};

/// Probes between the bounds in the second and third round (D-6).
const PROBES: u64 = 64;
/// Rounds of an attempt (D-6).
const ROUNDS: u32 = 3;

/// One search with one peer.
#[derive(Debug)]
pub(in crate::protocol) struct Search {
    /// The greatest depth below our tip.
    pub limit: u64,
    /// The lowest height that may be the ancestor.
    floor: Height,
    /// The lowest height at which the peer is known to differ.
    differs: Height,
    /// The highest height at which it is known to agree.
    agrees: Option<Height>,
    /// What the peer said, by height; `None` inside: it has no block there.
    answers: BTreeMap<Height, Option<Hash>>,
    /// Asked for in this round and not answered.
    waiting: Vec<Height>,
    round: u32,
    /// Rounds of all attempts: the log's round trips.
    pub round_trips: u32,
    /// Failed attempts.
    pub failed: u32,
    /// When this round fails.
    pub deadline: Duration,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Next {
    /// Ask for these hashes.
    Probe(Vec<Height>),
    /// Wait for more answers.
    Wait,
    /// The last block in common, and the peer's next block.
    Found { ancestor: Height, theirs: Option<Hash> },
    /// Not even the lowest height agrees.
    NothingInCommon,
    /// Three rounds were not enough: the peer contradicts itself.
    Inconclusive,
}

impl Search {
    /// A search below `differs`, where the peer holds `theirs`; not below `floor`.
    pub fn new(limit: u64, floor: Height, differs: Height, theirs: Hash) -> Self {
        Search {
            limit,
            floor,
            differs,
            agrees: None,
            answers: BTreeMap::from([(differs, Some(theirs))]),
            waiting: Vec::new(),
            round: 0,
            round_trips: 0,
            failed: 0,
            deadline: Duration::ZERO,
        }
    }

    /// The first round: exponentially spaced back from where the chains differ, down to the floor.
    pub fn begin(&mut self) -> Next {
        self.round = 0;
        self.agrees = None;
        if self.differs <= self.floor {
            return Next::NothingInCommon;
        }
        let steps = (0..u64::BITS).map(|bit| 1u64 << bit);
        let mut probes: Vec<Height> =
            steps.map_while(|step| self.differs.checked_sub(step)).take_while(|height| *height > self.floor).collect();
        if mutant::is(Mutant::OneByOneSearch) {
            probes = vec![self.differs - 1];
        } else {
            probes.push(self.floor);
        }
        self.probe(probes)
    }

    /// Notes an answer; `ours` is our hash at that height.
    pub fn answer(&mut self, height: Height, theirs: Option<Hash>, ours: Option<Hash>) -> Next {
        let Some(place) = self.waiting.iter().position(|waiting| *waiting == height) else { return Next::Wait };
        self.waiting.swap_remove(place);
        self.answers.insert(height, theirs);
        if theirs.is_some() && theirs == ours {
            self.agrees = self.agrees.max(Some(height));
        }
        if !self.waiting.is_empty() {
            return Next::Wait;
        }
        if mutant::is(Mutant::OneByOneSearch) && self.agrees.is_none() {
            self.differs = height;
            return if height <= self.floor { Next::NothingInCommon } else { self.probe(vec![height - 1]) };
        }
        self.conclude()
    }

    /// Whether this height was asked for.
    pub fn waits_for(&self, height: Height) -> bool {
        self.waiting.contains(&height)
    }

    fn conclude(&mut self) -> Next {
        let Some(agrees) = self.agrees else { return Next::NothingInCommon };
        // Everything above the highest agreement differs, whatever the peer said below it.
        if let Some((height, _)) = self.answers.range(agrees + 1..).next() {
            self.differs = *height;
        }
        if self.differs == agrees + 1 {
            let theirs = self.answers.get(&self.differs).copied().flatten();
            return Next::Found { ancestor: agrees, theirs };
        }
        if self.round >= ROUNDS && !mutant::is(Mutant::OneByOneSearch) {
            return Next::Inconclusive;
        }
        let gap = self.differs - agrees;
        let probes = (1..gap.min(PROBES + 1)).map(|i| agrees + gap * i / gap.min(PROBES + 1)).collect();
        self.probe(probes)
    }

    fn probe(&mut self, probes: Vec<Height>) -> Next {
        self.round += 1;
        self.round_trips += 1;
        self.waiting = probes.clone();
        Next::Probe(probes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(height: Height, branch: u8) -> Hash {
        let mut bytes = [branch; 32];
        bytes[..8].copy_from_slice(&height.to_le_bytes());
        Hash(bytes)
    }

    /// Runs a search against a peer that agrees up to `ancestor`; returns the result and the round trips.
    fn search(tip: Height, ancestor: Height, limit: u64) -> (Next, u32) {
        let mut search = Search::new(limit, tip.saturating_sub(limit), tip, hash(tip, 2));
        let mut next = search.begin();
        while let Next::Probe(probes) = next {
            assert!(probes.iter().all(|height| *height >= tip.saturating_sub(limit)), "below the limit");
            next = Next::Wait;
            for height in probes {
                assert_eq!(next, Next::Wait);
                let theirs = hash(height, if height <= ancestor { 1 } else { 2 });
                next = search.answer(height, Some(theirs), Some(hash(height, 1)));
            }
        }
        (next, search.round_trips)
    }

    #[test]
    fn every_depth_to_ten_thousand_takes_at_most_three_round_trips() {
        let tip = 20_000;
        for depth in 1..=10_000 {
            let (found, round_trips) = search(tip, tip - depth, 10_000);
            let ancestor = tip - depth;
            assert_eq!(found, Next::Found { ancestor, theirs: Some(hash(ancestor + 1, 2)) });
            assert!(round_trips <= 3, "{round_trips} round trips at depth {depth}");
        }
    }

    #[test]
    fn past_the_limit_nothing_is_in_common() {
        assert_eq!(search(20_000, 9_999, 10_000), (Next::NothingInCommon, 1));
        assert_eq!(search(20_000, 17_999, 2_000), (Next::NothingInCommon, 1));
        assert_eq!(search(50, 0, 10_000).0, Next::Found { ancestor: 0, theirs: Some(hash(1, 2)) });
    }

    #[test]
    fn nulls_are_nothing_in_common() {
        let mut search = Search::new(10, 0, 5, hash(5, 2));
        let Next::Probe(probes) = search.begin() else { panic!("no probes") };
        let answers: Vec<Next> =
            probes.iter().map(|height| search.answer(*height, None, Some(hash(*height, 1)))).collect();
        assert_eq!(answers.last(), Some(&Next::NothingInCommon));
    }
}
