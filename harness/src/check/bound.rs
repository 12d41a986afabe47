//! How often: never, count, rate, gaps. Windows hold their first instant, and their last one only where it is the run's end.
use std::collections::BTreeMap;
use std::time::Duration;

use crate::history::{History, Observation, seconds};
use crate::scenario::expectation::Window;

use super::verdict::{Budget, Outcome, limits, time};
use super::{pattern, words};

/// The share of a wanted gap by which a seen one may differ: a quarter, so that jitter of a back-off passes and the next
/// doubling doesn't.
const GAP_TOLERANCE: u32 = 4;

/// Not seen in the window, though something of the kind could have been.
pub fn never(window: &Window, history: &History) -> Outcome {
    let seen = pattern::in_window(window, history);
    let expected = format!("never {}", words::window(window, history.meta()));
    match seen.first() {
        Some(first) => {
            let actual = format!("seen {}, first at {}", times(seen.len()), seconds(first.at));
            Outcome::fail(expected, actual).seen(Some(first))
        }
        None => unless_blind(window, history, Outcome::pass(expected, "not seen")),
    }
}

/// Seen so often.
pub fn count(window: &Window, at_least: u64, at_most: Option<u64>, history: &History) -> Outcome {
    let seen = pattern::in_window(window, history);
    let number = seen.len() as u64;
    let expected = format!(
        "{}, {}",
        words::window(window, history.meta()),
        limits(Some(at_least.to_string()), at_most.map(|most| most.to_string()))
    );
    let actual = times(seen.len());
    // An exact number leaves no room that could be used.
    let used = at_most.filter(|most| *most > at_least).map(|most| Budget::count(number, most));
    if let Some(most) = at_most.filter(|most| number > *most) {
        // The first one too many; there is one, as more were seen.
        let excess = usize::try_from(most).ok().and_then(|most| seen.get(most));
        return Outcome::fail(expected, actual).seen(excess.copied()).used(used);
    }
    if number < at_least {
        return too_few(window, history, expected, actual);
    }
    let pass = Outcome::pass(expected, actual);
    match at_most {
        None => pass,
        Some(_) => unless_blind(window, history, pass.used(used)),
    }
}

/// In every window of this length at most so often, counted apart by the fields `each`; such a window holds its first instant, not its last.
pub fn rate(window: &Window, per: Duration, at_most: u64, each: &[String], history: &History) -> Outcome {
    let mut groups: BTreeMap<Vec<String>, Vec<&Observation>> = BTreeMap::new();
    for seen in pattern::in_window(window, history) {
        let key = if each.is_empty() { Vec::new() } else { pattern::key(seen, each, history.meta()) };
        groups.entry(key).or_default().push(seen);
    }
    let expected = format!("at most {at_most} in each {}", seconds(per));
    let mut worst = (0, None);
    for seen in groups.values() {
        for (first, begin) in seen.iter().enumerate() {
            let number = seen.partition_point(|other| other.at < begin.at + per) - first;
            if number > worst.0 {
                worst = (number, Some(*begin));
            }
        }
    }
    let (number, begin) = worst;
    let actual = match begin {
        Some(begin) => format!("{number} from {} on", seconds(begin.at)),
        None => "none".into(),
    };
    let used = Budget::count(number as u64, at_most);
    if number as u64 > at_most {
        return Outcome::fail(expected, actual).seen(begin).used(used);
    }
    match pattern::span(window, history) {
        Some((from, until)) if until.saturating_sub(from) < per => {
            let length = seconds(until.saturating_sub(from));
            Outcome::inconclusive(expected, format!("only {length} were seen"))
        }
        _ => unless_blind(window, history, Outcome::pass(expected, actual).used(used)),
    }
}

/// Times between one sighting and the next. A last one that isn't followed by another for longer than `at_most` fails too:
/// what stops has the longest gap of all; where stopping is right, the window ends before.
pub fn gaps(
    window: &Window,
    at_least: Option<Duration>,
    at_most: Option<Duration>,
    are: &[Duration],
    history: &History,
) -> Outcome {
    let seen = pattern::in_window(window, history);
    let expected = gaps_expected(at_least, at_most, are);
    let gaps = || seen.windows(2).map(|pair| (pair[1].at - pair[0].at, pair[1]));
    for (gap, later) in gaps() {
        if at_least.is_some_and(|least| gap < least) || at_most.is_some_and(|most| gap > most) {
            return Outcome::fail(expected, seconds(gap)).seen(Some(later));
        }
    }
    for (number, (want, (gap, later))) in are.iter().zip(gaps()).enumerate() {
        if gap.abs_diff(*want) > *want / GAP_TOLERANCE {
            let actual = format!("gap {} is {}: {}", number + 1, seconds(gap), list(gaps().map(|g| g.0)));
            return Outcome::fail(expected, actual).seen(Some(later));
        }
    }
    if gaps().len() < are.len() {
        let actual = format!("{} gaps: {}", gaps().len(), list(gaps().map(|g| g.0)));
        return too_few(window, history, expected, actual);
    }
    let span = pattern::span(window, history);
    if let (Some(last), Some((_, until)), Some(most)) = (seen.last(), span, at_most)
        && until - last.at > most
    {
        let actual = format!("none from {} to {}", seconds(last.at), seconds(until));
        return Outcome::fail(expected, actual).seen(Some(last));
    }
    if seen.len() < 2 {
        return Outcome::inconclusive(expected, format!("seen {}: no gap", times(seen.len())));
    }
    let longest = gaps().map(|gap| gap.0).max().zip(at_most);
    let used = longest.map(|(longest, most)| Budget::time(longest, most));
    let pass = Outcome::pass(expected, list(gaps().map(|gap| gap.0))).used(used);
    if at_least.is_some() || at_most.is_some() { unless_blind(window, history, pass) } else { pass }
}

fn gaps_expected(at_least: Option<Duration>, at_most: Option<Duration>, are: &[Duration]) -> String {
    let mut parts = Vec::new();
    if at_least.is_some() || at_most.is_some() {
        parts.push(format!("gaps of {}", limits(time(at_least), time(at_most))));
    }
    if !are.is_empty() {
        parts.push(format!("gaps of {}, each within 25 %", list(are.iter().copied())));
    }
    parts.join("; ")
}

/// The outcome of having seen no more than allowed, unless nothing could be seen, or not to the window's end.
fn unless_blind(window: &Window, history: &History, pass: Outcome) -> Outcome {
    if let Some(reason) = pattern::blind(&window.see, history) {
        return Outcome::inconclusive(pass.expected, reason);
    }
    if pattern::span(window, history).is_none() {
        return Outcome::inconclusive(pass.expected, "the history ends before the window");
    }
    pass
}

/// The outcome of having seen too little.
fn too_few(window: &Window, history: &History, expected: String, actual: String) -> Outcome {
    if let Some(reason) = pattern::deaf(&window.see, history) {
        return Outcome::inconclusive(expected, reason);
    }
    let span = pattern::span(window, history);
    let until = span.map(|(_, until)| until);
    let around = until.or(window.from).unwrap_or_default();
    Outcome::absent(span.is_some(), expected, actual).at(around).seen(pattern::nearest(&window.see, history, around))
}

/// `once`, `5 times`.
fn times(number: usize) -> String {
    match number {
        0 => "not once".into(),
        1 => "once".into(),
        _ => format!("{number} times"),
    }
}

/// The first twelve, in words.
fn list(gaps: impl ExactSizeIterator<Item = Duration>) -> String {
    let more = gaps.len().saturating_sub(12);
    let mut words: Vec<String> = gaps.take(12).map(seconds).collect();
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests;
