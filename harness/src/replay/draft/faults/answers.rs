//! What a scripted peer does wrong again and again with its answers: wrong ranges, empty ones, late ones, none.
use std::net::Ipv4Addr;

use super::Faults;
use super::evidence::{Evidence, about, range};
use super::habit::{Habit, SLOWLY};
use crate::history::Field;
use crate::replay::draft::text::span;
use crate::replay::incident::{Event, Host};

/// An answer takes less, but for a reason.
const UNUSUAL: i64 = 2_000_000;

impl Faults {
    pub(super) fn answers(&mut self, evidence: Evidence<'_>) {
        for host in &evidence.incident.hosts {
            for (party, ip, _) in evidence.scripted(host) {
                let Some(habit) = wrong(evidence, host, ip).or_else(|| slow(evidence, host, ip)) else { continue };
                let habits = self.habits.entry(party).or_default();
                if habits.iter().all(|known| known.deviation != habit.deviation) {
                    habits.push(habit);
                }
            }
        }
    }
}

/// What is wrong with a peer's answers to a host's block requests, where it always is.
fn wrong(evidence: Evidence<'_>, host: &Host, ip: Ipv4Addr) -> Option<Habit> {
    let habit = |deviation: &str, event: &Event, why: &str| Habit {
        deviation: deviation.to_owned(),
        source: evidence.source(event.place) + why,
    };
    let requested = || about(host, "requested", ip);
    let received: Vec<&Event> = about(host, "received", ip).collect();
    requested().next()?;
    let asked = |start: u64, end: u64| requested().filter_map(range).any(|(from, until)| start <= until && from <= end);
    let ranges = received.iter().filter_map(|event| Some((*event, range(event)?)));
    let unasked = ranges.into_iter().find(|(_, (start, end))| start <= end && !asked(*start, *end));
    if let Some((event, (start, end))) = unasked {
        return Some(habit(
            &format!("{{wrong_range: {{start: {start}, end: {end}}}}}"),
            event,
            ": nobody asked for that",
        ));
    }
    if let Some(first) = received.first() {
        let empty = received.iter().all(|event| event.fields.get("count") == Some(&Field::Number(0)));
        return empty.then(|| habit("empty_answers", first, ""));
    }
    // It lives, is asked, and never answers.
    let lives = host.peers.get(&ip).is_some_and(|peer| peer.silences.is_empty());
    let failed = about(host, "request_failed", ip).next().filter(|_| lives)?;
    Some(habit("{mute: [blocks]}", failed, ": no blocks came"))
}

/// How long a peer's answers take, where that is longer than a link does.
fn slow(evidence: Evidence<'_>, host: &Host, ip: Ipv4Addr) -> Option<Habit> {
    let same = |a: &Event, b: &Event| ["start", "end"].iter().all(|field| a.fields.get(*field) == b.fields.get(*field));
    let answer = |asked: &Event| {
        let answers = about(host, "received", ip).filter(|event| same(event, asked) && event.first() >= asked.first());
        answers.map(|event| event.first() - asked.first()).min()
    };
    let first = about(host, "requested", ip).next()?;
    let mut took: Vec<i64> = about(host, "requested", ip).filter_map(answer).collect();
    took.sort_unstable();
    let median = *took.get(took.len() / 2)?;
    let source = format!("{}: answers take so long", evidence.source(first.place));
    (median >= UNUSUAL).then(|| Habit { deviation: format!("{SLOWLY} {}}}", span(median)), source })
}
