//! Tips at places on built chains: at one by a time, only ever at some, and how often a chain was reorganised.
use std::collections::BTreeSet;
use std::time::Duration;

use crate::history::{History, seconds};
use crate::scenario::expectation::At;

use super::chains::{Change, changes, per_node};
use super::judge::Resolver;
use super::lineage::Lineage;
use super::verdict::{Budget, Outcome};
use super::words;

/// Each of `who` holds the block from `by` to the end (as its tip or below it on that chain), and none of it before
/// `not_before`. A node that starts later than `by` holds it from the first.
pub fn tip(
    who: &[String],
    is: &At,
    by: Duration,
    not_before: Option<Duration>,
    history: &History,
    resolve: Resolver<'_>,
) -> Outcome {
    let mut expected = format!("{} by {}", words::place(is), seconds(by));
    if let Some(earliest) = not_before {
        expected.push_str(&format!(", not before {}", seconds(earliest)));
    }
    if resolve(is).is_none() {
        return Outcome::inconclusive(expected, "this block is not known");
    }
    let place = |height| resolve(&At { chain: is.chain.clone(), height });
    let nodes = history.meta().parties.keys().map(String::as_str);
    let holds = Lineage::new(history, nodes).hold(is.height, place);
    let mut first = None;
    // Since when all hold it.
    let mut all = Duration::ZERO;
    let mut unknown = None;
    for node in who {
        let changes = changes(history, node);
        if changes.is_empty() {
            unknown = Some((format!("{node} never showed its chain"), None));
        }
        let mut own = None;
        for (number, change) in changes.iter().enumerate() {
            let until = changes.get(number + 1).map(|next| next.seen.at);
            let state = format!("{node} at {}", words::tip(change.height, change.tip));
            match holds.get(change.tip).copied().flatten() {
                Some(true) => {
                    first = first.min(Some(change.seen.at)).or(Some(change.seen.at));
                    own.get_or_insert(change.seen.at);
                    if not_before.is_some_and(|earliest| change.seen.at < earliest) {
                        let actual = format!("{state} at {}", seconds(change.seen.at));
                        return Outcome::fail(expected, actual).seen(Some(change.seen));
                    }
                }
                // It counts where it lasts into the time from `by` on; what the same instant corrects doesn't.
                _ if until.is_some_and(|until| until <= by || until == change.seen.at) => own = None,
                Some(false) if until.is_some() || history.end().is_some_and(|end| end >= by) => {
                    let at = change.seen.at.max(by);
                    return Outcome::fail(expected, format!("{state} at {}", seconds(at)))
                        .at(at)
                        .seen(Some(change.seen));
                }
                holds => {
                    let why = match holds {
                        None => "what was seen doesn't tell its chain",
                        Some(_) => "the history ends before its time",
                    };
                    let reason = format!("{state}: {why}");
                    unknown = unknown.or(Some((reason, Some(change.seen))));
                }
            }
        }
        all = all.max(own.unwrap_or_default());
    }
    match (unknown, first, history.end()) {
        (Some((reason, seen)), ..) => Outcome::inconclusive(expected, reason).seen(seen),
        (None, Some(first), Some(_)) => {
            // A node that starts later than `by` holds it from its start: in time.
            let used = Budget::time(all.min(by), by);
            Outcome::pass(expected, format!("first at {}", seconds(first))).at(first).used(used)
        }
        _ => Outcome::inconclusive(expected, "the history breaks off"),
    }
}

/// The only tips ever seen are these.
pub fn only(who: &[String], are: &[At], history: &History, resolve: Resolver<'_>) -> Outcome {
    let places: Vec<String> = are.iter().map(words::place).collect();
    let expected = format!("only {}", places.join(" or "));
    let hashes: BTreeSet<String> = are.iter().filter_map(resolve).collect();
    if let Some(unknown) = are.iter().find(|at| resolve(at).is_none()) {
        let actual = format!("{} is not known", words::place(unknown));
        return Outcome::inconclusive(expected, actual);
    }
    per_node(who, history, expected, |node, changes| {
        let other = changes.iter().find(|change| !hashes.contains(change.tip));
        other.map(|change| (format!("{node} at {}", words::tip(change.height, change.tip)), *change))
    })
}

/// Each node's chain is reorganised at most so often.
pub fn reorgs(who: &[String], at_most: u64, history: &History) -> Outcome {
    let expected = format!("at most {at_most} on each");
    let undone = |node: &String| changes(history, node).iter().filter(|change| change.undone() > 0).count() as u64;
    let used = who.iter().map(undone).max().map(|most| Budget::count(most, at_most));
    per_node(who, history, expected, |node, changes| {
        let reorgs: Vec<&Change<'_>> = changes.iter().filter(|c| c.undone() > 0).collect();
        let excess = reorgs.get(usize::try_from(at_most).ok()?)?;
        Some((format!("{} on {node}", reorgs.len()), **excess))
    })
    .used(used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{self, Fail, Inconclusive, Pass};
    use crate::history::build::{Build, history};

    fn at(text: &str) -> At {
        let (chain, height) = text.split_once('@').unwrap();
        At { chain: chain.into(), height: height.parse().unwrap() }
    }

    /// Chains are built up to 110; `b` leaves `main` after 95.
    fn resolve(at: &At) -> Option<String> {
        let chain = if at.chain == "b" && at.height <= 95 { "main" } else { &at.chain };
        (at.height <= 110).then(|| format!("{chain}{}", at.height))
    }

    fn judge(is: &str, by: u64, not_before: Option<u64>, history: &History) -> Verdict {
        let who = ["a".into()];
        let seconds = Duration::from_secs;
        tip(&who, &at(is), seconds(by), not_before.map(seconds), history, &resolve).verdict
    }

    /// a: main@100 from the start, main@105 at 30 s, a made block at 40 s.
    fn grows() -> Build {
        history()
            .chain("a", 100, 100, "main100")
            .at(30_000)
            .chain("a", 100, 105, "main105")
            .at(40_000)
            .chain("a", 105, 106, "made106")
            .at(60_000)
    }

    #[test]
    fn a_tip_is_reached_in_time_and_kept() {
        let history = grows().ended();
        assert_eq!(judge("main@105", 30, None, &history), Pass);
        assert_eq!(judge("main@105", 29, None, &history), Fail);
        assert_eq!(judge("main@100", 0, None, &history), Pass, "all the time");
        assert_eq!(judge("main@103", 30, Some(30), &history), Pass);
        assert_eq!(judge("main@103", 30, Some(31), &history), Fail);
        assert_eq!(judge("b@105", 30, None, &history), Fail);
        assert_eq!(judge("main@107", 50, None, &history), Fail);
        let lost = grows().chain("a", 95, 107, "b107").at(90_000).ended();
        assert_eq!(judge("main@105", 30, None, &lost), Fail);
        assert_eq!(judge("b@107", 60, Some(60), &lost), Pass);
    }

    /// Of several nodes the last counts, and of one that loses the block again the last time.
    #[test]
    fn what_was_used_is_until_all_hold_it_for_good() {
        let seen = history()
            .chain("a", 100, 100, "main100")
            .chain("b", 100, 100, "main100")
            .at(10_000)
            .chain("a", 100, 105, "main105")
            .at(15_000)
            .chain("a", 95, 106, "b106")
            .at(20_000)
            .chain("b", 100, 105, "main105")
            .at(30_000)
            .chain("a", 95, 107, "main107")
            .at(90_000)
            .ended();
        let seconds = Duration::from_secs;
        let used = |who: &[String]| tip(who, &at("main@105"), seconds(60), None, &seen, &resolve).budget;
        assert_eq!(used(&["b".into()]), Some(Budget::time(seconds(20), seconds(60))));
        assert_eq!(used(&["a".into(), "b".into()]), Some(Budget::time(seconds(30), seconds(60))));
        assert_eq!(reorgs(&["a".into(), "b".into()], 3, &seen).budget, Some(Budget::count(2, 3)));
    }

    #[test]
    fn a_tip_that_can_not_be_told_is_inconclusive() {
        assert_eq!(judge("main@105", 30, None, &grows().done()), Inconclusive);
        assert_eq!(judge("main@111", 30, None, &grows().ended()), Inconclusive, "not built");
        assert_eq!(judge("main@105", 30, None, &history().ended()), Inconclusive);
        let unknown =
            history().chain("a", 90, 90, "main90").at(30_000).chain("a", 90, 108, "made108").at(90_000).ended();
        assert_eq!(judge("main@105", 30, None, &unknown), Inconclusive);
        assert_eq!(judge("main@105", 70, None, &grows().ended()), Pass);
        let early = history().chain("a", 9, 9, "main9").at(5_000).ended();
        assert_eq!(judge("main@10", 6, None, &early), Inconclusive);
    }

    #[test]
    fn only_these_tips() {
        let judge = |are: [&str; 2], history: &History| only(&["a".into()], &are.map(at), history, &resolve).verdict;
        let two = || history().chain("a", 100, 100, "main100").at(9).chain("a", 95, 101, "b101");
        assert_eq!(judge(["main@100", "b@101"], &two().ended()), Pass);
        assert_eq!(judge(["main@100", "b@102"], &two().ended()), Fail);
        assert_eq!(judge(["main@100", "b@101"], &two().done()), Inconclusive);
        assert_eq!(judge(["main@100", "b@111"], &two().ended()), Inconclusive);
        assert_eq!(judge(["main@100", "b@101"], &history().ended()), Inconclusive);
    }

    #[test]
    fn reorganisations_are_counted_on_each_node() {
        let judge = |most, history: &History| reorgs(&["a".into(), "b".into()], most, history);
        let some = || {
            history()
                .chain("a", 100, 100, "x")
                .chain("b", 100, 100, "x")
                .chain("a", 100, 101, "y")
                .chain("a", 99, 101, "z")
                .chain("b", 99, 101, "z")
        };
        assert_eq!(judge(1, &some().ended()).verdict, Pass);
        let one_too_many = judge(0, &some().ended());
        assert_eq!((one_too_many.verdict, &*one_too_many.actual), (Fail, "1 on a"));
        assert_eq!(judge(1, &some().done()).verdict, Inconclusive);
        assert_eq!(judge(1, &history().chain("a", 1, 1, "x").ended()).verdict, Inconclusive);
    }

    /// As a case sees it: what a node tells of its tip says nothing of what it kept.
    #[test]
    fn told_tips_that_change_and_change_back_are_counted() {
        let told = || history().chain("a", 0, 100, "x").at(20_000).chain("a", 0, 100, "y");
        let judge = |build: Build| reorgs(&["a".into()], 1, &build.ended()).verdict;
        assert_eq!(judge(told()), Pass);
        assert_eq!(judge(told().at(30_000).chain("a", 0, 100, "x").at(40_000).chain("a", 0, 100, "y")), Fail);
    }
}
