//! Does an observation match a pattern, what comes nearest to it, and could it have been seen at all?
//!
//! - A wire pattern matches what a scripted peer receives, never what it sends. `blocks_asked` is either block request.
//! - A field that an observation lacks fulfils no condition, not even `Not`.
//! - Beyond its own fields an observation has: log `level`; wire `node` (the sender's IP); connection `peer` (the other end's IP) and, for
//!   closed ones, `by` (`node` or `peer`); a block request `count` (how many blocks its range has).
//! - `text` is looked for in a log's message, and in the words of other observations.
use std::borrow::Cow;
use std::time::Duration;

use super::requests::number;
use crate::history::{Field, History, Meta, Observation, What};
use crate::scenario::expectation::{Condition, ConnectionFate, Pattern, PatternKind, Window};

/// Whether the pattern matches.
pub fn matches(pattern: &Pattern, seen: &Observation, meta: &Meta) -> bool {
    same_kind(pattern, seen)
        && pattern.fields.iter().all(|(name, condition)| fulfils(seen, name, condition, meta))
        && has_text(pattern, seen)
}

/// Whether source and kind are the pattern's, whatever the fields and the text.
fn same_kind(pattern: &Pattern, seen: &Observation) -> bool {
    if !pattern.on.contains(&seen.source) {
        return false;
    }
    match (&pattern.kind, &seen.what) {
        (PatternKind::Log(wanted), What::Log { event, .. }) => wanted == "any" || wanted == event,
        (PatternKind::Wire(wanted), What::Wire { sent, message, .. }) => {
            let request = wanted == "blocks_asked" && is_block_request(message);
            !sent && (wanted == message || request)
        }
        (PatternKind::Connection(wanted), What::Connection { fate, .. }) => fate == fate_name(*wanted),
        _ => false,
    }
}

/// Either of the two requests for a range of blocks.
pub fn is_block_request(message: &str) -> bool {
    matches!(message, "GetBlocks" | "GetBlockRange")
}

/// A fate by its name in observations.
pub fn fate_name(fate: ConnectionFate) -> &'static str {
    match fate {
        ConnectionFate::Dialled => "dialled",
        ConnectionFate::Opened => "opened",
        ConnectionFate::ClosedByNode => "closed_by_node",
        ConnectionFate::ClosedByPeer => "closed_by_peer",
    }
}

fn has_text(pattern: &Pattern, seen: &Observation) -> bool {
    pattern.text.as_ref().is_none_or(|wanted| match &seen.what {
        What::Log { text, .. } => text.contains(wanted),
        other => other.to_string().contains(wanted),
    })
}

fn fulfils(seen: &Observation, name: &str, condition: &Condition, meta: &Meta) -> bool {
    let Some(value) = value(seen, name, meta) else {
        return false;
    };
    let number = || match value.as_ref() {
        Field::Number(number) => Some(*number),
        Field::Text(text) => text.parse().ok(),
    };
    match condition {
        Condition::Is(wanted) => value.to_string() == *wanted,
        Condition::Not(unwanted) => value.to_string() != *unwanted,
        Condition::AtLeast(least) => number().is_some_and(|number| number >= *least),
        Condition::AtMost(most) => number().is_some_and(|number| number <= *most),
    }
}

fn value<'a>(seen: &'a Observation, name: &str, meta: &Meta) -> Option<Cow<'a, Field>> {
    let text = |text: String| Some(Cow::Owned(Field::Text(text)));
    match (&seen.what, name) {
        (What::Wire { fields, .. } | What::Log { fields, .. }, _) if fields.contains_key(name) => {
            fields.get(name).map(Cow::Borrowed)
        }
        (What::Log { level, .. }, "level") => text(level.clone()),
        (What::Wire { node, .. }, "node") => text(meta.ip_of(node)?),
        (What::Wire { message, fields, .. }, "count") if is_block_request(message) => {
            let (start, end) = (number(fields, "start")?, number(fields, "end")?);
            Some(Cow::Owned(Field::Number(end.saturating_add(1).saturating_sub(start))))
        }
        (What::Connection { peer, .. }, "peer") => text(peer.clone()),
        (What::Connection { fate, .. }, "by") => text(fate.strip_prefix("closed_by_")?.into()),
        _ => None,
    }
}

/// Who saw it, and what it has in these fields.
pub fn key(seen: &Observation, fields: &[String], meta: &Meta) -> Vec<String> {
    let values = fields.iter().map(|name| value(seen, name, meta).map_or_else(String::new, |value| value.to_string()));
    std::iter::once(seen.source.clone()).chain(values).collect()
}

/// The observation that comes nearest to the pattern: a full match at another time, else the same event with the most
/// conditions fulfilled; of several the one closest to `around`.
pub fn nearest<'a>(pattern: &Pattern, history: &'a History, around: Duration) -> Option<&'a Observation> {
    let likeness = |seen: &Observation| {
        let fields = pattern.fields.iter();
        let fulfilled = fields.filter(|(name, condition)| fulfils(seen, name, condition, history.meta())).count();
        fulfilled + usize::from(has_text(pattern, seen))
    };
    let candidates = history.observations().iter();
    candidates
        .filter(|seen| same_kind(pattern, seen))
        .min_by_key(|seen| (usize::MAX - likeness(seen), seen.at.abs_diff(around)))
}

/// A window's matches in order, with its bounds: from the first instant that counts up to (not with) the last, but with the
/// run's last instant where it reaches to the end.
pub fn in_window<'a>(window: &Window, history: &'a History) -> Vec<&'a Observation> {
    let (from, until) = (window.from.unwrap_or_default(), window.until);
    let seen = history.observations().iter();
    seen.filter(|seen| seen.at >= from && until.is_none_or(|until| seen.at < until))
        .filter(|seen| matches(&window.see, seen, history.meta()))
        .collect()
}

/// The window's length in this run; `None` where the history breaks off before its end.
pub fn span(window: &Window, history: &History) -> Option<(Duration, Duration)> {
    let end = history.end()?;
    let until = window.until.unwrap_or(end);
    (until <= end).then_some((window.from.unwrap_or_default(), until))
}

/// The first source of the pattern that was blind to what the pattern is about, in words: not a line of its log, neither a
/// message nor a connection, nothing at all. Not to have seen something there says nothing.
pub fn blind(pattern: &Pattern, history: &History) -> Option<String> {
    pattern.on.iter().find_map(|source| {
        let seen = |what: &dyn Fn(&Observation) -> bool| history.observations().iter().any(what);
        let from = |seen: &Observation| seen.source == *source;
        let (sees, what) = match pattern.kind {
            PatternKind::Log(_) => (seen(&|o| from(o) && matches!(o.what, What::Log { .. })), "no line of the log"),
            PatternKind::Wire(_) => {
                let ip = history.meta().ip_of(source);
                let met = |o: &Observation| match &o.what {
                    What::Wire { .. } => from(o),
                    What::Connection { fate, peer } => fate == "opened" && Some(peer) == ip.as_ref(),
                    _ => false,
                };
                (seen(&met), "neither a message nor a connection")
            }
            PatternKind::Connection(_) => (seen(&from), "nothing"),
        };
        (!sees).then(|| format!("{what} of {source} was seen in this run"))
    })
}

/// Like [`blind`], but where a scripted peer saw no message the node did send none: that is an observation of its own.
pub fn deaf(pattern: &Pattern, history: &History) -> Option<String> {
    match pattern.kind {
        PatternKind::Wire(_) => None,
        _ => blind(pattern, history),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::history::build::history;

    /// `log behind`, `wire Ping` or `connection opened`, on these sources, where `our=1000 end<=5 end>=3 ip!=10.0.0.2`.
    pub fn pattern(on: &str, what: &str, conditions: &str) -> Pattern {
        let (kind, name) = what.split_once(' ').expect("kind and name");
        let kind = match (kind, name) {
            ("log", _) => PatternKind::Log(name.into()),
            ("wire", _) => PatternKind::Wire(name.into()),
            (_, "dialled") => PatternKind::Connection(ConnectionFate::Dialled),
            (_, "opened") => PatternKind::Connection(ConnectionFate::Opened),
            (_, "closed_by_node") => PatternKind::Connection(ConnectionFate::ClosedByNode),
            _ => PatternKind::Connection(ConnectionFate::ClosedByPeer),
        };
        let mut fields = BTreeMap::new();
        for word in conditions.split_whitespace() {
            let (name, condition) = if let Some((name, most)) = word.split_once("<=") {
                (name, Condition::AtMost(most.parse().unwrap()))
            } else if let Some((name, least)) = word.split_once(">=") {
                (name, Condition::AtLeast(least.parse().unwrap()))
            } else if let Some((name, value)) = word.split_once("!=") {
                (name, Condition::Not(value.into()))
            } else {
                let (name, value) = word.split_once('=').unwrap();
                (name, Condition::Is(value.into()))
            };
            fields.insert(name.to_owned(), condition);
        }
        Pattern { on: on.split_whitespace().map(Into::into).collect(), kind, fields, text: None }
    }

    /// How often a pattern matches in a history of one of each.
    fn count(pattern: &Pattern) -> usize {
        let history = history()
            .text("a", "behind", "We're at height 1000", "our=1000 ip=10.0.0.11 name=x big=18446744073709551615")
            .log("a", "", "")
            .wire("m", "a", false, "GetBlocks", "start=1 end=5")
            .wire("m", "b", false, "GetBlockRange", "start=1 end=6")
            .wire("m", "a", true, "GetBlocks", "start=1 end=5")
            .connection("a", "closed_by_node", "10.0.0.11")
            .ended();
        let seen = history.observations().iter();
        seen.filter(|seen| matches(pattern, seen, history.meta())).count()
    }

    #[test]
    fn a_pattern_matches_its_source_kind_fields_and_text() {
        let cases = [
            ("a", "log behind", "our=1000", 1),
            ("b a", "log behind", "our>=1000 our<=1000 ip=10.0.0.11", 1),
            ("b", "log behind", "", 0),
            ("a", "log behind", "our=1001", 0),
            ("a", "log behind", "our<=999", 0),
            ("a", "log behind", "our!=1001", 1),
            ("a", "log behind", "absent!=1", 0),
            ("a", "log behind", "name<=5", 0),
            ("a", "log behind", "big=18446744073709551615", 1),
            ("a", "log any", "", 2),
            ("m", "wire blocks_asked", "", 2),
            ("m", "wire GetBlocks", "end=5", 1),
            ("m", "wire blocks_asked", "node=10.0.0.2", 1),
            ("m", "wire blocks_asked", "count>=5 count<=5", 1),
            ("m", "wire blocks_asked", "count>=6", 1),
            ("m", "wire blocks_asked", "count>=7", 0),
            ("a", "connection closed_by_node", "peer=10.0.0.11 by=node", 1),
            ("a", "connection closed_by_peer", "", 0),
        ];
        for (on, what, conditions, times) in cases {
            assert_eq!(count(&pattern(on, what, conditions)), times, "{what} {conditions}");
        }
        let mut texted = pattern("a", "log behind", "");
        texted.text = Some("height 1000".into());
        assert_eq!(count(&texted), 1);
        texted.text = Some("height 1001".into());
        assert_eq!(count(&texted), 0);
    }

    #[test]
    fn the_nearest_is_a_match_at_another_time_then_the_best_of_its_kind() {
        let history = history()
            .at(1_000)
            .log("a", "requested", "start=1 end=9")
            .at(2_000)
            .log("a", "requested", "start=1 end=5")
            .at(9_000)
            .log("a", "requested", "start=1 end=5")
            .ended();
        let at = |conditions, around| {
            let pattern = pattern("a", "log requested", conditions);
            nearest(&pattern, &history, Duration::from_secs(around)).map(|seen| seen.at.as_secs())
        };
        assert_eq!(at("start=1 end=5", 8), Some(9));
        assert_eq!(at("start=1 end=7", 0), Some(1));
        assert_eq!(at("start=2 end=9", 9), Some(1));
        assert!(nearest(&pattern("b", "log requested", ""), &history, Duration::ZERO).is_none());
    }

    #[test]
    fn a_source_that_showed_nothing_is_blind() {
        let history = history().process("a", true).log("b", "started", "").ended();
        assert!(blind(&pattern("b", "log x", ""), &history).is_none());
        assert_eq!(
            blind(&pattern("b a", "log x", ""), &history).unwrap(),
            "no line of the log of a was seen in this run"
        );
        assert!(blind(&pattern("m", "wire Ping", ""), &history).is_some());
        let met = crate::history::build::history().connection("a", "opened", "10.0.0.11").ended();
        assert!(blind(&pattern("m", "wire Ping", ""), &met).is_none());
        assert!(deaf(&pattern("m", "wire Ping", ""), &history).is_none());
        assert!(blind(&pattern("a", "connection opened", ""), &history).is_none());
        assert!(blind(&pattern("c", "connection opened", ""), &history).is_some());
    }
}
