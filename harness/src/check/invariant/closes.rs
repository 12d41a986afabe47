//! No connection is closed by a node because of sync: one with a range in flight needs another reason.
use std::collections::BTreeSet;
use std::time::Duration;

use crate::check::requests::{End, Request, text};
use crate::check::verdict::Outcome;
use crate::history::{History, Observation, What};

use super::{unless_silent, words};

/// A close, its line in the log and the failure of what was in flight are this close together.
const TOGETHER: Duration = Duration::from_secs(1);
/// Reasons of a `disconnected` or `refused` line that have nothing to do with sync.
const OTHER_REASONS: [&str; 12] = [
    "unresponsive",
    "missed pong",
    "banned",
    "blacklisted",
    "duplicate",
    "no slot",
    "send queue full",
    "line too long",
    "line budget",
    "closed by peer",
    "handshake",
    "shutting down",
];
/// Events that are such a reason themselves.
const OTHER_EVENTS: [&str; 3] = ["peer_unresponsive", "masternode_unresponsive", "banned"];

/// Every close by a node with a range in flight to that peer has a reason of its own.
pub fn judge(nodes: &BTreeSet<String>, requests: &[Request<'_>], history: &History) -> Outcome {
    let expected = "a connection with a range in flight is closed for another reason only";
    let mut closes = 0;
    for seen in history.observations().iter().filter(|seen| nodes.contains(&seen.source)) {
        let What::Connection { fate, peer } = &seen.what else {
            continue;
        };
        if fate != "closed_by_node" {
            continue;
        }
        closes += 1;
        let in_flight = requests.iter().find(|request| {
            request.node == seen.source
                && request.peer == *peer
                && request.seen.at <= seen.at
                && request.until.saturating_add(TOGETHER) >= seen.at
                && request.ended != End::Answered
        });
        let Some(request) = in_flight else {
            continue;
        };
        let reason = reason(seen, peer, history);
        if let Err(reason) = reason {
            let actual = format!("{} and closes the connection, {reason}", words(request, history));
            return Outcome::fail(expected, actual).seen(Some(seen));
        }
    }
    unless_silent(nodes, history, expected, format!("so in {closes} closes"))
}

/// A reason that has nothing to do with sync, or what there is instead.
fn reason(close: &Observation, peer: &str, history: &History) -> Result<(), String> {
    let near = history
        .observations()
        .iter()
        .filter(|seen| seen.source == close.source && seen.at.abs_diff(close.at) <= TOGETHER);
    let mut told = None;
    for seen in near {
        match &seen.what {
            What::Process { up: false, .. } => return Ok(()),
            What::Log { event, fields, .. } if text(fields, "ip").as_deref() == Some(peer) => {
                let ends = matches!(event.as_str(), "disconnected" | "refused");
                let reason = text(fields, "reason").filter(|_| ends);
                let other =
                    reason.as_ref().is_some_and(|reason| OTHER_REASONS.iter().any(|other| reason.contains(other)));
                if other || OTHER_EVENTS.contains(&event.as_str()) {
                    return Ok(());
                }
                told = told.or(reason);
            }
            _ => {}
        }
    }
    Err(match told {
        Some(reason) => format!("reason: {reason}"),
        None => "without a reason".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{self, Fail, Inconclusive, Pass};
    use crate::check::requests::requests;
    use crate::history::build::{Build, history};

    fn verdict(history: &History) -> Verdict {
        judge(&["a".into()].into(), &requests(history), history).verdict
    }

    fn asked() -> Build {
        let range = "ip=10.0.0.11 start=1 end=500 timeout=300";
        history().log("a", "requested", range).at(20_000)
    }

    fn closed(build: Build) -> Verdict {
        verdict(&build.connection("a", "closed_by_node", "10.0.0.11").ended())
    }

    #[test]
    fn a_close_with_a_range_in_flight_needs_another_reason() {
        assert_eq!(closed(asked()), Fail);
        let says = |reason| asked().log("a", "disconnected", &format!("ip=10.0.0.11 reason={reason}"));
        assert_eq!(closed(says("timeout")), Fail);
        assert_eq!(closed(says("unresponsive")), Pass);
        assert_eq!(closed(says("banned")), Pass);
        let of_another = asked().log("a", "disconnected", "ip=10.0.0.12 reason=banned");
        assert_eq!(closed(of_another), Fail);
        assert_eq!(closed(asked().log("a", "masternode_unresponsive", "ip=10.0.0.11")), Pass);
        assert_eq!(closed(asked().process("a", false)), Pass, "killed");
        let gave_up = asked().log("a", "request_failed", "ip=10.0.0.11 start=1 end=500 reason=deadline");
        assert_eq!(closed(gave_up), Fail, "failed by the close, or closed by the failure");
    }

    #[test]
    fn other_closes_are_free() {
        assert_eq!(closed(history().log("a", "started", "")), Pass);
        let answered = asked().log("a", "received", "ip=10.0.0.11 start=1 end=500 count=500");
        assert_eq!(closed(answered), Pass);
        let by_peer = asked().connection("a", "closed_by_peer", "10.0.0.11").ended();
        assert_eq!(verdict(&by_peer), Pass);
        let wire = history().wire("m", "a", false, "GetBlocks", "start=1 end=500");
        assert_eq!(closed(wire), Fail);
    }

    #[test]
    fn what_was_not_seen_is_inconclusive() {
        assert_eq!(verdict(&history().ended()), Inconclusive);
        assert_eq!(verdict(&asked().done()), Inconclusive);
    }
}
