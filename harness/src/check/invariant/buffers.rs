//! Bytes in nodes' buffers stay bounded.
use std::collections::BTreeSet;

use crate::check::metric::samples;
use crate::check::verdict::Outcome;
use crate::history::{History, seconds};

const METRIC: &str = "lockstep_buffered_bytes";

/// No sample of any node is above the limit.
pub fn judge(nodes: &BTreeSet<String>, at_most: u64, history: &History) -> Outcome {
    let expected = format!("at most {at_most} bytes in one node's buffers");
    let mut highest = 0.0_f64;
    let mut unseen = None;
    for node in nodes {
        let samples = samples(history, node).into_iter();
        let mut values = samples.filter_map(|(seen, values)| Some((seen, *values.get(METRIC)?)));
        let mut sampled = false;
        // Not a number is not within the limit.
        let above = values.find(|(_, value)| {
            sampled = true;
            highest = highest.max(*value);
            value.is_nan() || *value > at_most as f64
        });
        if let Some((seen, value)) = above {
            let actual = format!("{value} on {node} at {}", seconds(seen.at));
            return Outcome::fail(expected, actual).at(seen.at);
        }
        if !sampled {
            unseen = Some(node);
        }
    }
    match unseen {
        Some(node) => Outcome::inconclusive(expected, format!("{METRIC} of {node} was never sampled")),
        None if history.end().is_none() => Outcome::inconclusive(expected, "the history breaks off"),
        None => Outcome::pass(expected, format!("at most {highest} in the samples")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{Fail, Inconclusive, Pass};
    use crate::history::build::{Build, history};

    #[test]
    fn buffers_are_sampled_and_small() {
        let sampled = |value| history().metrics("a", &[(METRIC, 5.0)]).metrics("a", &[(METRIC, value)]);
        let judge = |build: Build| judge(&["a".into()].into(), 100, &build.ended()).verdict;
        assert_eq!(judge(sampled(100.0)), Pass);
        assert_eq!(judge(sampled(101.0)), Fail);
        assert_eq!(judge(sampled(f64::NAN)), Fail);
        assert_eq!(judge(history().metrics("a", &[("other", 1.0)])), Inconclusive);
        assert_eq!(judge(history()), Inconclusive);
    }
}
