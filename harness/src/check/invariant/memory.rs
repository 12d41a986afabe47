//! A node's memory stays bounded: what the system has of its process, or, in a simulation, what its buffers hold.
use std::collections::BTreeSet;

use super::buffers;
use crate::check::metric::samples;
use crate::check::verdict::Outcome;
use crate::history::{History, memory_of};

/// The memory of each node grows by at most so many bytes from the first sample on.
pub fn judge(nodes: &BTreeSet<String>, at_most: u64, history: &History) -> Outcome {
    let expected = format!("it grows by at most {at_most} bytes");
    let mut most = 0.0_f64;
    for node in nodes {
        let source = memory_of(node);
        let samples = samples(history, &source);
        let value = |name: &str| samples.iter().filter_map(|(_, values)| values.get(name).copied()).collect::<Vec<_>>();
        let (now, peak) = (value("rss_bytes"), value("rss_peak_bytes"));
        let (Some(begun), Some(before), Some(peak)) = (now.first(), peak.first(), peak.last()) else {
            return buffers::judge(nodes, at_most, history);
        };
        // A peak from before the first sample says nothing.
        let highest = if peak > before { *peak } else { now.iter().copied().fold(0.0, f64::max) };
        most = most.max(highest - begun);
    }
    let actual = format!("it grew by {most} bytes");
    match history.end() {
        _ if most > at_most as f64 => Outcome::fail(expected, actual),
        None => Outcome::inconclusive(expected, "the history breaks off"),
        Some(_) => Outcome::pass(expected, actual),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{self, Fail, Inconclusive, Pass};
    use crate::history::build::{Build, history};

    fn verdict(build: Build) -> Verdict {
        judge(&["a".into()].into(), 100, &build.ended()).verdict
    }

    fn sampled(samples: &[(f64, f64)]) -> Build {
        samples.iter().fold(history(), |build, (now, peak)| {
            build.metrics("memory of a", &[("rss_bytes", *now), ("rss_peak_bytes", *peak)])
        })
    }

    #[test]
    fn growth_counts_from_the_first_sample() {
        assert_eq!(verdict(sampled(&[(50.0, 500.0), (140.0, 500.0), (60.0, 500.0)])), Pass, "an old peak");
        assert_eq!(verdict(sampled(&[(50.0, 500.0), (151.0, 500.0)])), Fail);
        assert_eq!(verdict(sampled(&[(450.0, 500.0), (450.0, 551.0)])), Fail, "a peak between two samples");
        assert_eq!(verdict(sampled(&[(450.0, 500.0), (450.0, 550.0)])), Pass);
    }

    #[test]
    fn without_a_process_buffers_count() {
        let buffered = |bytes| history().metrics("a", &[("lockstep_buffered_bytes", bytes)]);
        assert_eq!(verdict(buffered(100.0)), Pass);
        assert_eq!(verdict(buffered(101.0)), Fail);
        assert_eq!(verdict(history()), Inconclusive);
    }
}
