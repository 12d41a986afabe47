//! Masternodes stay close to their median height.
//!
//! Judged at every change, and at the beginning of every stretch that counts: no fault is in force, none has ended within the
//! time to settle, nor has the run or a masternode begun within it: who starts with more than the others have has them catch up.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::check::chains::{State, instants};
use crate::check::verdict::Outcome;
use crate::history::{FaultSpan, History, seconds};
use crate::scenario::expectation::NearMedian;

/// No masternode is further from the median than allowed.
pub fn judge(masternodes: &BTreeSet<String>, near: &NearMedian, history: &History) -> Outcome {
    let expected = format!(
        "within {} blocks of the median, from {} after each start and each fault's end",
        near.blocks,
        seconds(near.after)
    );
    let Some(end) = history.end() else {
        return Outcome::inconclusive(expected, "the history breaks off");
    };
    let faults = history.faults();
    let who: Vec<String> = masternodes.iter().cloned().collect();
    let mut points: BTreeMap<Duration, BTreeMap<&str, State<'_>>> = BTreeMap::new();
    instants(history, &who, |at, states| {
        points.insert(at, states.clone());
    });
    // Besides changes, the instants at which something begins to count.
    let settled = faults.iter().filter_map(|fault| fault.until).chain([Duration::ZERO]);
    let up = points.values().flat_map(BTreeMap::values).filter_map(|state| state.up_since);
    let up: BTreeSet<Duration> = up.collect();
    let begins = settled.chain(up.iter().copied()).map(|at| at.saturating_add(near.after));
    let begins: BTreeSet<Duration> = begins.collect();
    let starts = |at: Duration| up.range(..=at).next_back().is_some_and(|up| at < up.saturating_add(near.after));
    let instants: BTreeSet<Duration> = points.keys().copied().chain(begins).collect();
    let mut judged = 0;
    for at in instants.into_iter().filter(|at| *at <= end && !starts(*at) && counts(*at, near.after, &faults)) {
        let Some((_, states)) = points.range(..=at).next_back() else {
            continue;
        };
        let settled = |state: &&State<'_>| state.up_since.is_some_and(|since| since.saturating_add(near.after) <= at);
        let heights: Vec<u64> = states.values().filter(settled).map(|state| state.height).collect();
        if heights.len() < 2 {
            continue;
        }
        judged += 1;
        let median = median(heights);
        let far = states
            .iter()
            .filter(|(_, state)| settled(state))
            .find(|(_, state)| state.height.abs_diff(median) > near.blocks);
        if let Some((node, state)) = far {
            let actual = format!("{node} at {}, the median at {median}, at {}", state.height, seconds(at));
            return Outcome::fail(expected, actual).at(at);
        }
    }
    if judged == 0 {
        return Outcome::inconclusive(expected, "at no time had two masternodes settled");
    }
    Outcome::pass(expected, format!("so at {judged} instants"))
}

fn counts(at: Duration, after: Duration, faults: &[FaultSpan]) -> bool {
    let disturbs =
        |fault: &FaultSpan| fault.from <= at && fault.until.is_none_or(|until| at < until.saturating_add(after));
    at >= after && !faults.iter().any(disturbs)
}

/// The middle value, or the mean of the middle two, rounded down.
fn median(mut heights: Vec<u64>) -> u64 {
    heights.sort_unstable();
    let upper = heights[heights.len() / 2];
    let lower = heights[(heights.len() - 1) / 2];
    lower + (upper - lower) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{self, Fail, Inconclusive, Pass};
    use crate::history::build::{Build, history};

    fn verdict(history: &History) -> Verdict {
        let masternodes = ["a", "b", "c"].map(String::from).into();
        let near = NearMedian { blocks: 10, after: Duration::from_secs(60) };
        judge(&masternodes, &near, history).verdict
    }

    fn three(heights: [u64; 3]) -> Build {
        let nodes = ["a", "b", "c"].into_iter().zip(heights);
        nodes.fold(history(), |build, (node, height)| build.chain(node, height, height, "x"))
    }

    #[test]
    fn nobody_is_far_from_the_median_once_settled() {
        assert_eq!(verdict(&three([100, 110, 120]).at(100_000).ended()), Pass);
        assert_eq!(verdict(&three([99, 110, 120]).at(100_000).ended()), Fail);
        let in_time = three([0, 110, 120]).at(60_000).chain("a", 0, 105, "y");
        assert_eq!(verdict(&in_time.at(100_000).ended()), Pass);
        let late = three([0, 110, 120]).at(60_001).chain("a", 0, 105, "y");
        assert_eq!(verdict(&late.at(100_000).ended()), Fail);
        let ahead = three([100, 110, 120]).at(70_000).chain("c", 120, 121, "y");
        assert_eq!(verdict(&ahead.at(100_000).ended()), Fail);
    }

    #[test]
    fn faults_and_their_time_to_settle_do_not_count() {
        let hurt = || {
            three([110, 110, 110])
                .at(70_000)
                .fault_began(0, "cut a | b")
                .chain("c", 110, 150, "y")
                .at(80_000)
                .fault_ended(0, Some("x"), true)
        };
        assert_eq!(verdict(&hurt().at(200_000).ended()), Fail);
        let healed = hurt().at(140_000).chain("c", 110, 115, "z").at(200_000).ended();
        assert_eq!(verdict(&healed), Pass);
        let never = three([0, 110, 220]).fault_began(0, "cut").at(200_000).ended();
        assert_eq!(verdict(&never), Inconclusive);
    }

    #[test]
    fn who_starts_later_has_the_others_catch_up() {
        let late = || three([0, 0, 0]).at(100_000).process("c", false).process("c", true).chain("c", 0, 50, "x");
        // One after the other: meanwhile they are far from each other.
        let caught =
            |at| late().at(at).chain("a", 0, 50, "x").at(at + 10_000).chain("b", 0, 50, "x").at(200_000).ended();
        assert_eq!([verdict(&caught(120_000)), verdict(&caught(155_000))], [Pass, Fail]);
    }

    #[test]
    fn a_node_that_is_down_or_just_up_does_not_count() {
        let down = three([0, 110, 120]).process("a", false).at(200_000).ended();
        assert_eq!(verdict(&down), Pass);
        let back = || three([0, 110, 120]).process("a", false).at(100_000).process("a", true);
        assert_eq!(verdict(&back().at(159_000).ended()), Pass);
        assert_eq!(verdict(&back().at(160_000).ended()), Fail);
    }

    #[test]
    fn too_little_to_see_is_inconclusive() {
        assert_eq!(verdict(&three([0, 110, 220]).at(59_000).ended()), Inconclusive);
        assert_eq!(verdict(&three([100, 110, 120]).at(100_000).done()), Inconclusive);
        assert_eq!(verdict(&history().chain("a", 1, 1, "x").at(100_000).ended()), Inconclusive);
    }
}
