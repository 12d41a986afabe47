//! What a scripted peer does wrong again and again with its answers: wrong ranges, empty ones, late ones, none.
use std::net::Ipv4Addr;

use super::Faults;
use super::evidence::{Evidence, about, range};
use super::habit::{Habit, SLOWLY};
use crate::history::Field;
use crate::replay::incident::{Event, Host};
use crate::scenario::text::span;

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

#[cfg(test)]
mod tests {
    use crate::replay::draft::testing::{Logs, section};

    const ASKED: &str = "Requesting blocks 101-200 from 10.0.0.2";

    /// What a peer does all the time that was asked, and of which these lines tell.
    fn habit(lines: &[(i64, &str)]) -> Option<String> {
        let asked = Logs::mesh(1, 1, &[]).line("a", 100, ASKED);
        let yaml = lines.iter().fold(asked, |logs, (at, line)| logs.line("a", *at, line)).draft();
        let peer = section(&yaml, "peers");
        Some(peer.last()?.strip_prefix("deviations: ")?.to_owned())
    }

    #[test]
    fn another_range_than_what_was_asked_is_wrong() {
        let got = |range| format!("Received 100 blocks (height {range}) from 10.0.0.2 (our height: 100)");
        assert_eq!(habit(&[(101, &got("1-100"))]), Some("[{wrong_range: {start: 1, end: 100}}]".into()));
        assert_eq!(habit(&[(101, &got("201-300"))]), Some("[{wrong_range: {start: 201, end: 300}}]".into()));
        // A part of it is not.
        assert_eq!(habit(&[(101, &got("101-150"))]), None);
    }

    #[test]
    fn answers_without_a_block_are_empty() {
        let empty = "Received 0 blocks from 10.0.0.2";
        // More than ten minutes apart they are two events.
        for lines in [&[(101, empty)][..], &[(101, empty), (102, empty), (900, empty)]] {
            assert_eq!(habit(lines), Some("[empty_answers]".into()));
        }
        assert_eq!(habit(&[(101, empty), (102, "Received 7 blocks from 10.0.0.2")]), None);
    }

    #[test]
    fn who_lives_and_never_answers_keeps_its_blocks() {
        let failed = "Sync request 101-200 to 10.0.0.2 failed: no answer in 120s";
        assert_eq!(habit(&[(220, failed)]), Some("[{mute: [blocks]}]".into()));
        assert_eq!(habit(&[(220, failed), (240, "Received 7 blocks from 10.0.0.2")]), None);
    }

    #[test]
    fn answers_that_take_long_are_delayed() {
        let got = "Received 100 blocks (height 101-200) from 10.0.0.2 (our height: 100)";
        assert_eq!(habit(&[(103, got)]), Some("[{delayed_answers: 3s}]".into()));
        assert_eq!(habit(&[(101, got)]), None);
    }

    #[test]
    fn nobody_is_blamed_for_what_was_not_asked() {
        let yaml = Logs::mesh(1, 1, &[]).line("a", 100, "Received 0 blocks from 10.0.0.2").draft();
        assert!(!yaml.contains("deviations"), "{yaml}");
    }
}
