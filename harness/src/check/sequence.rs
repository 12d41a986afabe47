//! Observations in an order, within limits of time.
//!
//! A sequence passes exactly when *some* choice of one observation per item exists, each later in the history than the one
//! before, that fulfils all limits. So an earlier look-alike outside its window never hides a match, and what was matched
//! never depends on luck. (Whether something came *too early* as well is for a `never` beside it.)
//! `within` and `not_within` count from the observation chosen for the item before, for the first item from the start.
//!
//! What a network shows of connections is collected apart from lines and messages, so at one instant it may come before or
//! after those; lines and messages of one instant are in their order. No observation is chosen twice.
//!
//! For each item all ways are kept in which a valid choice for the items so far can end; the next item's continue one of
//! them. That is exact.
use std::collections::BTreeSet;
use std::time::Duration;

use crate::history::{History, Observation, What, seconds};
use crate::scenario::expectation::Seen;

use super::verdict::{Budget, Outcome};
use super::{pattern, words};

/// How a choice for the items so far ends: all that the next item's depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Ending {
    /// The last observation's time; before the first item the start.
    at: Duration,
    /// The number of the last line or message chosen at this instant.
    line: Option<usize>,
    /// The numbers of what was chosen of connections at this instant.
    connections: BTreeSet<usize>,
}

impl Ending {
    /// The ending with this observation chosen next, at the same instant.
    fn then(&self, index: usize, seen: &Observation) -> Option<Self> {
        let mut next = self.clone();
        if matches!(seen.what, What::Connection { .. }) {
            return next.connections.insert(index).then_some(next);
        }
        next.line = Some(index);
        self.line.is_none_or(|line| line < index).then_some(next)
    }
}

/// Judges a sequence.
pub fn judge(items: &[Seen], history: &History) -> Outcome {
    let expected = |item: &Seen| words::item(item, history.meta());
    let mut endings = vec![Ending::default()];
    let mut tightest: Option<Budget> = None;
    for (number, item) in items.iter().enumerate() {
        let next = continuations(item, &endings, history);
        if next.is_empty() {
            if let Some(reason) = pattern::deaf(&item.see, history) {
                return Outcome::inconclusive(expected(item), reason);
            }
            return missing(number, items, endings[0].at, history);
        }
        // As if all came as early as they can.
        let (before, at) = (endings[0].at, next[0].at);
        let within = item.within.filter(|within| at - before <= *within);
        let limits = [item.by.map(|by| (at, by)), within.map(|within| (at - before, within))];
        for (used, limit) in limits.into_iter().flatten() {
            let budget = Budget::time(used, limit);
            tightest = Some(tightest.map_or(budget, |tightest| tightest.tighter(budget)));
        }
        endings = next;
    }
    let words: Vec<String> = items.iter().map(expected).collect();
    let complete = endings[0].at;
    Outcome::pass(words.join("; then "), format!("complete at {}", seconds(complete))).at(complete).used(tightest)
}

/// All endings with one more item, in order of time.
fn continuations(item: &Seen, endings: &[Ending], history: &History) -> Vec<Ending> {
    let mut next = BTreeSet::new();
    for (index, seen) in history.observations().iter().enumerate() {
        let at = seen.at;
        let in_time = item.by.is_none_or(|by| at <= by) && item.not_before.is_none_or(|earliest| at >= earliest);
        if !in_time || !pattern::matches(&item.see, seen, history.meta()) {
            continue;
        }
        let fits = |before: &Ending| {
            item.not_within.is_none_or(|wait| before.at + wait <= at)
                && item.within.is_none_or(|within| at - before.at <= within)
        };
        let earlier = endings.partition_point(|ending| ending.at < at);
        // Of endings at earlier instants only the time matters: the latest that is old enough is the best for `within`.
        let old_enough = |ending: &Ending| item.not_within.is_none_or(|wait| ending.at + wait <= at);
        let latest = endings[..earlier].partition_point(old_enough).checked_sub(1).map(|place| &endings[place]);
        if latest.is_some_and(fits) {
            next.extend(Ending { at, ..Ending::default() }.then(index, seen));
        }
        let same_instant = endings[earlier..].iter().take_while(|ending| ending.at == at);
        next.extend(same_instant.filter(|ending| fits(ending)).filter_map(|ending| ending.then(index, seen)));
    }
    next.into_iter().collect()
}

/// The first item that can't be matched, and what comes nearest. `before` is the earliest time at which the items before it
/// are complete.
fn missing(number: usize, items: &[Seen], before: Duration, history: &History) -> Outcome {
    let item = &items[number];
    let mut expected = format!("{} of {}: {}", number + 1, items.len(), words::item(item, history.meta()));
    if number > 0 {
        let last = words::pattern(&items[number - 1].see, history.meta());
        expected.push_str(&format!(" (after {last} at {})", seconds(before)));
    }
    let matching: Vec<&Observation> =
        history.observations().iter().filter(|seen| pattern::matches(&item.see, seen, history.meta())).collect();
    let actual = match matching.as_slice() {
        [] => "not seen".into(),
        [seen] => format!("seen only at {}", seconds(seen.at)),
        [first, .., last] => format!(
            "seen {} times between {} and {}, never in time and order",
            matching.len(),
            seconds(first.at),
            seconds(last.at)
        ),
    };
    let latest = latest(item, before);
    // A limit that is over can't be met by what a broken off history lacks.
    let last = history.observations().last().map(|seen| seen.at);
    let over = matches!((item.by, last), (Some(by), Some(last)) if last > by);
    let complete = over || history.end().is_some();
    Outcome::absent(complete, expected, actual).at(latest.or(history.end()).unwrap_or(before)).seen(pattern::nearest(
        &item.see,
        history,
        latest.unwrap_or(before),
    ))
}

/// The time up to which an item could have come.
fn latest(item: &Seen, before: Duration) -> Option<Duration> {
    let relative = item.within.map(|within| before + within);
    item.by.into_iter().chain(relative).min()
}

#[cfg(test)]
mod tests {
    use super::super::pattern::tests::pattern;
    use super::*;
    use crate::check::Verdict;
    use crate::history::build::{Build, history};

    /// An item `event` on node a with `by`, `within`, `not_before`, `not_within` in seconds.
    fn item(event: &str, limits: [Option<u64>; 4]) -> Seen {
        let [by, within, not_before, not_within] = limits.map(|s| s.map(Duration::from_secs));
        Seen { see: pattern("a", &format!("log {event}"), ""), by, within, not_before, not_within }
    }

    const ANY: [Option<u64>; 4] = [None; 4];

    /// `x1 y2 x3`: events at seconds.
    fn events(words: &str) -> Build {
        words.split_whitespace().fold(history(), |build, word| {
            let (event, at) = word.split_at(1);
            build.at(at.parse::<u64>().unwrap() * 1_000).log("a", event, "")
        })
    }

    fn verdict(words: &str, items: &[Seen]) -> Verdict {
        judge(items, &events(words).ended()).verdict
    }

    #[test]
    fn order_counts_and_others_may_stand_between() {
        let items = [item("x", ANY), item("y", ANY)];
        assert_eq!(verdict("x1 z2 y3", &items), Verdict::Pass);
        assert_eq!(verdict("y1 x3", &items), Verdict::Fail);
        assert_eq!(verdict("y1 x3 y3", &items), Verdict::Pass);
        let twice = [item("x", ANY), item("x", ANY)];
        assert_eq!(verdict("x1", &twice), Verdict::Fail, "one observation is not two");
        assert_eq!(verdict("x1 x1", &twice), Verdict::Pass);
    }

    #[test]
    fn limits_hold_on_both_sides() {
        let by = [item("x", [Some(5), None, None, None])];
        assert_eq!(verdict("x5", &by), Verdict::Pass);
        assert_eq!(verdict("x6", &by), Verdict::Fail);
        let not_before = [item("x", [None, None, Some(5), None])];
        assert_eq!(verdict("x5", &not_before), Verdict::Pass);
        assert_eq!(verdict("x4", &not_before), Verdict::Fail);
        let within = [item("x", ANY), item("y", [None, Some(5), None, None])];
        assert_eq!(verdict("x1 y6", &within), Verdict::Pass);
        assert_eq!(verdict("x1 y7", &within), Verdict::Fail);
        let not_within = [item("x", ANY), item("y", [None, None, None, Some(5)])];
        assert_eq!(verdict("x1 y6", &not_within), Verdict::Pass);
        assert_eq!(verdict("x1 y5", &not_within), Verdict::Fail);
    }

    #[test]
    fn of_several_limits_the_tightest_is_told() {
        // 4 of 10, 3 of 4, 8 of 20: three quarters are the most.
        let items = [
            item("x", [Some(10), None, None, None]),
            item("y", [None, Some(4), None, None]),
            item("z", [Some(20), None, None, None]),
        ];
        assert_eq!(
            judge(&items, &events("x4 y7 z8").ended()).budget,
            Some(Budget::time(Duration::from_secs(3), Duration::from_secs(4)))
        );
        assert_eq!(judge(&[item("x", ANY)], &events("x4").ended()).budget, None);
    }

    #[test]
    fn an_earlier_candidate_hides_no_match() {
        // Greedy would take x1 and find no y within 2 s of it.
        let within = [item("x", ANY), item("y", [None, Some(2), None, None])];
        assert_eq!(verdict("x1 x8 y9", &within), Verdict::Pass);
        // Taking the latest x would leave too little distance.
        let window = [item("x", ANY), item("y", [None, Some(9), None, Some(5)])];
        assert_eq!(verdict("x1 x8 y9", &window), Verdict::Pass);
        // The y that is too early for y is passed over.
        let late = [item("x", ANY), item("y", [None, None, Some(5), None]), item("z", [None, Some(1), None, None])];
        assert_eq!(verdict("x1 y2 z3 y7 z8", &late), Verdict::Pass);
        assert_eq!(verdict("x1 y2 z3 y7 z9", &late), Verdict::Fail);
        // Only one choice over three items fits.
        let chain =
            [item("x", ANY), item("x", [None, Some(2), None, Some(2)]), item("y", [Some(7), Some(2), None, None])];
        assert_eq!(verdict("x1 x2 x3 x4 x6 y7", &chain), Verdict::Pass);
        assert_eq!(verdict("x1 x2 x3 x4 y7", &chain), Verdict::Fail);
    }

    #[test]
    fn at_one_instant_lines_keep_their_order_and_connections_have_none() {
        let closed = || Seen { see: pattern("a", "connection closed_by_node", ""), ..item("x", ANY) };
        let at_once =
            history().log("a", "x", "").log("a", "y", "").connection("a", "closed_by_node", "10.0.0.11").ended();
        let verdict = |items: &[Seen]| judge(items, &at_once).verdict;
        assert_eq!(verdict(&[item("x", ANY), closed(), item("y", ANY)]), Verdict::Pass);
        assert_eq!(verdict(&[closed(), item("x", ANY), item("y", ANY)]), Verdict::Pass);
        assert_eq!(verdict(&[item("y", ANY), closed(), item("x", ANY)]), Verdict::Fail);
        assert_eq!(verdict(&[closed(), item("x", ANY), closed()]), Verdict::Fail, "one observation is not two");
        assert_eq!(verdict(&[item("x", ANY), closed(), item("x", ANY)]), Verdict::Fail);
        let later = history().log("a", "x", "").at(1).connection("a", "closed_by_node", "10.0.0.11").ended();
        assert_eq!(judge(&[closed(), item("x", ANY)], &later).verdict, Verdict::Fail);
    }

    #[test]
    fn a_failure_names_the_first_item_missing_and_the_nearest_line() {
        let history = events("x1").at(9_000).log("a", "y", "our=5").ended();
        let mut y = item("y", [None, Some(3), None, None]);
        y.see = pattern("a", "log y", "our=7");
        let outcome = judge(&[item("x", ANY), y, item("z", ANY)], &history);
        assert_eq!(
            outcome.expected,
            "2 of 3: y on a (our = 7), within 3.000 s of the one before (after x on a at 1.000 s)"
        );
        assert_eq!(outcome.actual, "not seen");
        assert_eq!(outcome.nearest.unwrap(), "9.000 s  a  INFO y: y");
        assert_eq!(outcome.at, Some(Duration::from_secs(4)));

        let outcome = judge(&[item("x", ANY), item("y", [None, Some(3), None, None])], &history);
        assert_eq!(outcome.actual, "seen only at 9.000 s");
    }

    #[test]
    fn what_can_not_be_known_is_no_failure() {
        let items = [item("x", [Some(5), None, None, None])];
        assert_eq!(judge(&items, &events("y1").done()).verdict, Verdict::Inconclusive);
        assert_eq!(judge(&items, &events("y6").done()).verdict, Verdict::Fail);
        assert_eq!(judge(&items, &events("x1").done()).verdict, Verdict::Pass);
        let silent = history().process("a", true).ended();
        assert_eq!(judge(&items, &silent).verdict, Verdict::Inconclusive);
        let unheard = [Seen { see: pattern("m", "wire Ping", ""), ..item("x", ANY) }];
        assert_eq!(judge(&unheard, &silent).verdict, Verdict::Fail);
    }
}
