//! What the page's script gets: the whole log and all messages, packed.
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use base64::prelude::{BASE64_STANDARD, Engine};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use crate::history::{History, Observation, What};
use crate::report::plain;

use super::messages::{Message, messages};
use super::picture::micros;

/// Rows of the log, and messages, on one page: more than that take too long to open. Of more, routine far from the moment is left out.
const MOST_ROWS: usize = 100_000;
const MOST_MESSAGES: usize = 60_000;

/// As columns: they pack better than rows, and are read faster.
#[derive(Debug, Default, Serialize)]
pub struct Data<'a> {
    /// The last time, and the one at which the page opens; all times are microseconds.
    pub end: i64,
    /// See above.
    pub moment: i64,
    /// Nodes, then scripted peers, then the harness.
    parties: Vec<String>,
    kinds: Vec<String>,
    texts: Vec<String>,
    rows: Rows,
    messages: Messages,
    /// From when until when, in words.
    faults: Vec<(i64, i64, &'a str)>,
    /// Who was down from when until when.
    down: Vec<(usize, i64, i64)>,
    /// Rows and messages that are left out.
    pub left_out: (usize, usize),
}

#[derive(Debug, Default, Serialize)]
struct Rows {
    /// Since the row before.
    after: Vec<i64>,
    who: Vec<usize>,
    kind: Vec<usize>,
    /// 0 routine, 1 usual, 2 a warning, 3 an error, 4 what the harness does.
    weight: Vec<u8>,
    text: Vec<usize>,
}

#[derive(Debug, Default, Serialize)]
struct Messages {
    /// Since the message before.
    after: Vec<i64>,
    /// How long it took, 0 or more; -1: when it came is not known; -2: when it left isn't.
    took: Vec<i64>,
    from: Vec<usize>,
    to: Vec<usize>,
    routine: Vec<u8>,
    text: Vec<usize>,
}

/// Texts by number, each once.
#[derive(Default)]
struct Numbers<T> {
    by_text: BTreeMap<T, usize>,
    texts: Vec<T>,
}

impl<T: Clone + Ord> Numbers<T> {
    fn of(&mut self, text: T) -> usize {
        let Self { by_text, texts } = self;
        *by_text.entry(text).or_insert_with_key(|text| {
            texts.push(text.clone());
            texts.len() - 1
        })
    }
}

impl<'a> Data<'a> {
    /// Of a history; `moment` is where to begin, and what is near it is never left out.
    pub fn new(
        history: &'a History,
        nodes: &[&'a str],
        moment: i64,
        faults: &'a [(i64, i64, String)],
        end: i64,
    ) -> Self {
        let mut parties: Vec<&str> = nodes.to_vec();
        let named = history.meta().parties.keys().map(String::as_str);
        let others = history.observations().iter().map(|seen| seen.source.as_str());
        let mut known: BTreeSet<&str> = parties.iter().copied().collect();
        parties.extend(named.chain(others).filter(|name| *name != "harness" && known.insert(name)));
        parties.push("harness");
        let numbers: BTreeMap<&str, usize> = parties.iter().enumerate().map(|(number, name)| (*name, number)).collect();
        let (mut kinds, mut texts) = (Numbers::<&str>::default(), Numbers::<String>::default());
        let told = history.observations().iter().filter(|seen| !matches!(seen.what, What::Metrics(_)));
        let near = |at: i64| at.abs_diff(moment);
        let (told, rows_out) =
            nearest(told.collect(), MOST_ROWS, |seen| weight(seen) == 0, |seen| near(micros(seen.at)));
        let mut rows = Rows::default();
        let mut before = 0;
        for seen in told {
            let at = micros(seen.at);
            rows.after.push(at - before);
            before = at;
            rows.who.push(numbers.get(seen.source.as_str()).copied().unwrap_or(parties.len() - 1));
            rows.kind.push(kinds.of(kind(&seen.what)));
            rows.weight.push(weight(seen));
            rows.text.push(texts.of(plain(&text(&seen.what))));
        }
        let all = messages(history, |name| numbers.get(name).copied());
        let (kept, messages_out) = nearest(all, MOST_MESSAGES, |message| message.routine, |message| near(message.at()));
        let mut messages = Messages::default();
        before = 0;
        for Message { from, to, left, came, what, routine } in kept {
            let (at, took) = match (left, came) {
                (Some(left), Some(came)) => (left, (came - left).max(0)),
                (Some(left), None) => (left, -1),
                (None, came) => (came.unwrap_or_default(), -2),
            };
            messages.after.push(at - before);
            before = at;
            messages.took.push(took);
            messages.from.push(from);
            messages.to.push(to);
            messages.routine.push(routine.into());
            messages.text.push(texts.of(plain(&what)));
        }
        let down = down(history, &numbers, end);
        let faults = faults.iter().map(|(from, until, what)| (*from, *until, what.as_str())).collect();
        let shown = |names: Vec<&str>| names.into_iter().map(plain).collect();
        let (parties, kinds, texts) = (shown(parties), shown(kinds.texts), texts.texts);
        let left_out = (rows_out, messages_out);
        Self { end, moment, parties, kinds, texts, rows, messages, faults, down, left_out }
    }

    /// As text for a page: JSON, compressed, in base64.
    ///
    /// # Errors
    /// None that a memory has.
    pub fn packed(&self) -> io::Result<String> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        serde_json::to_writer(&mut packed, self)?;
        packed.flush()?;
        Ok(BASE64_STANDARD.encode(packed.finish()?))
    }
}

/// At most `most`, in their order: of those that are routine, only the nearest; and how many are left out.
fn nearest<T>(mut all: Vec<T>, most: usize, routine: impl Fn(&T) -> bool, far: impl Fn(&T) -> u64) -> (Vec<T>, usize) {
    let excess = all.len().saturating_sub(most);
    if excess == 0 {
        return (all, 0);
    }
    // Where even what is no routine is too much, that is judged alike.
    let rank = |one: &T| (routine(one), far(one));
    let mut ranks: Vec<(bool, u64)> = all.iter().map(rank).collect();
    ranks.sort_unstable();
    let last = ranks[most - 1];
    let mut room = ranks[..most].iter().filter(|rank| **rank == last).count();
    all.retain(|one| match rank(one).cmp(&last) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Equal => room.checked_sub(1).map(|left| room = left).is_some(),
        std::cmp::Ordering::Greater => false,
    });
    (all, excess)
}

fn kind(what: &What) -> &str {
    match what {
        What::Log { event, .. } if event.is_empty() => "log",
        What::Log { event, .. } => event,
        What::Wire { message, .. } => message,
        What::Connection { .. } => "connection",
        What::Chain { .. } => "chain",
        What::Metrics(_) => "metrics",
        What::Process { .. } => "process",
        What::Breach { .. } => "breach",
        What::FaultBegan { .. } | What::FaultEnded { .. } => "fault",
        What::Ended => "end",
    }
}

fn text(what: &What) -> String {
    match what {
        What::Log { text, .. } => text.clone(),
        what => what.to_string(),
    }
}

fn weight(seen: &Observation) -> u8 {
    match &seen.what {
        What::Log { level, .. } => match level.as_str() {
            "TRACE" | "DEBUG" => 0,
            "WARN" => 2,
            "ERROR" => 3,
            _ => 1,
        },
        What::Wire { message, .. } if matches!(message.as_str(), "Ping" | "Pong") => 0,
        What::Connection { .. } => 0,
        What::Chain { broken: Some(_), .. } | What::Breach { .. } | What::Process { by_itself: Some(_), .. } => 3,
        What::FaultBegan { .. } | What::FaultEnded { .. } | What::Process { .. } | What::Ended => 4,
        _ => 1,
    }
}

fn down(history: &History, numbers: &BTreeMap<&str, usize>, end: i64) -> Vec<(usize, i64, i64)> {
    let mut since: BTreeMap<usize, i64> = BTreeMap::new();
    let mut spans = Vec::new();
    for seen in history.observations() {
        let (What::Process { up, .. }, Some(number)) = (&seen.what, numbers.get(seen.source.as_str())) else {
            continue;
        };
        if !up {
            since.entry(*number).or_insert(micros(seen.at));
        } else if let Some(from) = since.remove(number) {
            spans.push((*number, from, micros(seen.at)));
        }
    }
    spans.extend(since.into_iter().map(|(number, from)| (number, from, end)));
    spans.sort_unstable();
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers; odd ones are routine, and the moment is at 10.
    fn kept(most: usize) -> (Vec<u64>, usize) {
        nearest((0..20).collect(), most, |one| one % 2 == 1, |one| one.abs_diff(10))
    }

    #[test]
    fn routine_far_from_the_moment_goes_first() {
        assert_eq!(kept(20), ((0..20).collect(), 0));
        assert_eq!(kept(12), (vec![0, 2, 4, 6, 8, 9, 10, 11, 12, 14, 16, 18], 8));
        assert_eq!(kept(3), (vec![8, 10, 12], 17), "what is no routine, too, where there is no room");
        assert_eq!(kept(2).0.len(), 2, "of two that are as far, one");
    }
}
