//! Ranges: at most 500 wide, and never asked of one peer twice at once.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::check::requests::{By, Request};
use crate::check::verdict::Outcome;
use crate::history::{History, seconds};

use super::{unless_silent, words};

/// Widest range, in blocks (phase-3, Configuration).
const WIDEST: u64 = 500;
/// At the wire a second request may come this much early: the first was on its way for longer.
const ON_ITS_WAY: Duration = Duration::from_secs(10);
/// What a fault held back arrives at once after it: this long nothing is concluded from arrivals alone.
const HELD_BACK: Duration = Duration::from_secs(120);

/// No request is for more than 500 blocks, or for none.
pub fn width(nodes: &BTreeSet<String>, requests: &[Request<'_>], history: &History) -> Outcome {
    let expected = "1 to 500 blocks in each request";
    let wrong = |request: &&Request<'_>| request.start > request.end || request.end - request.start >= WIDEST;
    match requests.iter().find(wrong) {
        Some(request) => Outcome::fail(expected, words(request, history)).seen(Some(request.seen)),
        None => unless_silent(nodes, history, expected, format!("so in {} requests", requests.len())),
    }
}

/// No request for some block goes to a peer that was asked for it and has neither answered, nor failed, nor run out of time.
///
/// A log tells exactly. At the wire only those count that no log line explains, because what was sent one after the other may
/// arrive together.
pub fn twice(nodes: &BTreeSet<String>, requests: &[Request<'_>], history: &History) -> Outcome {
    let expected = "an overlapping range only after the answer, the failure or the deadline of the one before";
    let explained = explained(requests);
    let mut by_pair: BTreeMap<(By, &str, &str), Vec<&Request<'_>>> = BTreeMap::new();
    for (request, explained) in requests.iter().zip(explained) {
        let asked = by_pair.entry((request.by, request.node, &request.peer)).or_default();
        let at = request.seen.at;
        let until = |earlier: &Request<'_>| match request.by {
            By::Log => earlier.until.min(earlier.sent.unwrap_or(Duration::MAX)),
            By::Wire => earlier.until.min(earlier.seen.at.saturating_add(earliest_repeat())),
        };
        let open = asked.iter().find(|earlier| request.overlaps(earlier) && at < until(earlier));
        let excused = request.by == By::Wire && (explained || disturbed(history, at));
        if let Some(earlier) = open.filter(|_| !excused) {
            let actual =
                format!("{}, and again while that is open: {}", words(earlier, history), words(request, history));
            return Outcome::fail(expected, format!("{actual} (first at {})", seconds(earlier.seen.at)))
                .seen(Some(request.seen));
        }
        // Those that are over never matter again.
        asked.retain(|earlier| at < earlier.until);
        asked.push(request);
    }
    unless_silent(nodes, history, expected, format!("so in {} requests", requests.len()))
}

/// 120 s is the shortest timeout of the text.
fn earliest_repeat() -> Duration {
    Duration::from_secs(120) - ON_ITS_WAY
}

/// For each request whether a line of the node's log, not used before, tells of it too.
fn explained(requests: &[Request<'_>]) -> Vec<bool> {
    let mut lines: BTreeMap<(&str, &str, u64, u64), u64> = BTreeMap::new();
    let mut told = Vec::new();
    for request in requests {
        let key = (request.node, request.peer.as_str(), request.start, request.end);
        let left = lines.entry(key).or_default();
        told.push(request.by == By::Log || *left > 0);
        *left = match request.by {
            By::Log => *left + 1,
            By::Wire => left.saturating_sub(1),
        };
    }
    told
}

/// Whether a fault is in force, or was a short while ago.
fn disturbed(history: &History, at: Duration) -> bool {
    history
        .faults()
        .iter()
        .any(|fault| fault.from <= at && fault.until.is_none_or(|until| at < until.saturating_add(HELD_BACK)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{self, Fail, Inconclusive, Pass};
    use crate::check::requests::requests;
    use crate::history::build::{Build, history};

    fn nodes() -> BTreeSet<String> {
        ["a".into()].into()
    }

    fn asks(build: Build, range: &str) -> Build {
        build.log("a", "requested", &format!("ip=10.0.0.11 timeout=300 {range}"))
    }

    fn judge_width(build: Build) -> Verdict {
        let history = build.ended();
        width(&nodes(), &requests(&history), &history).verdict
    }

    fn judge_twice(build: Build) -> Verdict {
        let history = build.ended();
        twice(&nodes(), &requests(&history), &history).verdict
    }

    #[test]
    fn ranges_are_at_most_500_wide() {
        assert_eq!(judge_width(asks(history(), "start=1001 end=1500")), Pass);
        assert_eq!(judge_width(asks(history(), "start=1001 end=1501")), Fail);
        assert_eq!(judge_width(asks(history(), "start=1001 end=1000")), Fail);
        assert_eq!(judge_width(asks(history(), "start=0 end=18446744073709551615")), Fail);
        let wire = history().wire("m", "a", false, "GetBlocks", "start=0 end=500");
        assert_eq!(judge_width(wire), Fail);
        assert_eq!(judge_width(history()), Inconclusive);
        let cut_off = asks(history(), "start=1 end=5").done();
        assert_eq!(width(&nodes(), &requests(&cut_off), &cut_off).verdict, Inconclusive);
    }

    #[test]
    fn a_range_is_asked_again_only_after_answer_failure_close_or_deadline() {
        let asked = || asks(history(), "start=1 end=500").at(200_000);
        assert_eq!(judge_twice(asks(asked(), "start=500 end=900")), Fail);
        assert_eq!(judge_twice(asks(asked(), "start=501 end=900")), Pass);
        let elsewhere = asked().log("a", "requested", "ip=10.0.0.12 start=1 end=500 timeout=300");
        assert_eq!(judge_twice(elsewhere), Pass, "a hedge");
        assert_eq!(judge_twice(asks(asked().at(299_999), "start=1 end=500")), Fail);
        assert_eq!(judge_twice(asks(asked().at(300_000), "start=1 end=500")), Pass);
        let short = asked().log("a", "received", "ip=10.0.0.11 start=1 end=100 count=100");
        assert_eq!(judge_twice(asks(short, "start=101 end=500")), Pass);
        let failed = asked().log("a", "request_failed", "ip=10.0.0.11 start=1 end=500");
        assert_eq!(judge_twice(asks(failed, "start=1 end=500")), Pass);
        let reconnected = asked().connection("a", "closed_by_peer", "10.0.0.11");
        assert_eq!(judge_twice(asks(reconnected, "start=1 end=500")), Pass);
        let late =
            asks(asked().at(310_000), "start=1 end=500").log("a", "received", "ip=10.0.0.11 start=1 end=500 count=500");
        assert_eq!(judge_twice(asks(late, "start=1 end=500")), Pass, "the late answer closed it");
        assert_eq!(judge_twice(history()), Inconclusive);
    }

    #[test]
    fn an_answer_that_the_log_leaves_out_counts_too() {
        let sent = asks(history(), "start=1 end=500").at(70_000);
        let sent = sent.wire("m", "a", true, "BlocksResponse", "start=1 end=500 count=500");
        assert_eq!(judge_twice(asks(sent.at(80_000), "start=1 end=500")), Pass);
    }

    #[test]
    fn at_the_wire_what_the_log_explains_is_left_to_the_log() {
        let range = "start=1 end=500";
        let wire = |build: Build| build.wire("m", "a", false, "GetBlockRange", range);
        let twice_at_wire = |build: Build| wire(wire(build).at(50_000));
        assert_eq!(judge_twice(twice_at_wire(history())), Fail);
        let answered = wire(history()).wire("m", "a", true, "BlockRangeResponse", "count=0");
        assert_eq!(judge_twice(wire(answered)), Pass);
        assert_eq!(judge_twice(wire(wire(history()).at(112_000))), Pass);
        let held = history().fault_began(0, "cut a | m").at(310_000).fault_ended(0, Some("x"), true);
        assert_eq!(judge_twice(twice_at_wire(held.at(311_000))), Pass);
        // Told twice, 300 s apart; both arrive after that.
        let told = asks(asks(history(), range).at(300_000), range).at(301_000);
        assert_eq!(judge_twice(wire(wire(told))), Pass);
        // Told once, sent twice.
        assert_eq!(judge_twice(twice_at_wire(asks(history(), range))), Fail);
    }
}
