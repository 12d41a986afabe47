//! Do nodes come to agree in time, and stay so to the end of the run?
//!
//! The time counts from the last fault's end (or a named time) to the first instant from which the nodes agree for good. A node
//! that is down agrees with nobody.
//!
//! Where blocks are made, nodes that agree on tips still differ while a block spreads. Then agreement for good means that no
//! disagreement lasts longer than [`SPREADING`] (nor than the budget), and it begins with the first tip that was made after
//! healing and that all have: without such a block the network may stand still, and nothing is shown.
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::history::{History, Observation, What, seconds, short};
use crate::scenario::expectation::Agreement;

use super::chains::{self, State};
use super::verdict::{Budget, Outcome};
use super::words;

/// How long a block may take to reach everybody: two looks of the coordinator, 30 s each, the second of which fetches what
/// an announcement didn't bring.
const SPREADING: Duration = Duration::from_secs(60);

/// What is asked.
pub struct Question<'a> {
    /// Which nodes.
    pub who: &'a [String],
    /// On what.
    pub on: Agreement,
    /// The budget.
    pub within: Duration,
    /// From when it counts; `None`: the last fault's end, or the start.
    pub after: Option<Duration>,
    /// Whether nodes make blocks.
    pub produces: bool,
}

/// A time during which nothing changes.
struct Stretch {
    from: Duration,
    until: Duration,
    agree: bool,
    /// They agree on a tip made after healing.
    fresh: bool,
}

/// Judges a convergence; with the time it took, where it was reached.
pub fn judge(question: &Question<'_>, history: &History) -> (Outcome, Option<Duration>) {
    let expected =
        format!("{} on {} within {}", question.who.join(", "), words::agreement(question.on), seconds(question.within));
    let inconclusive = |reason: String| (Outcome::inconclusive(&expected, reason), None);
    let Some(end) = history.end() else {
        return inconclusive("the history breaks off".into());
    };
    let after = match question.after.map_or_else(|| healed(history), Ok) {
        Ok(after) => after,
        Err(fault) => return inconclusive(format!("`{fault}` has no end")),
    };
    if after > end {
        return inconclusive(format!("the run ends before {}", seconds(after)));
    }
    let fresh = question.produces && question.on == Agreement::Tips;
    let made = made_after(history, after);
    if let Some(node) = question.who.iter().find(|node| chains::changes(history, node).is_empty()) {
        return inconclusive(format!("{node} never showed its chain"));
    }
    if fresh && made.is_empty() {
        return inconclusive(format!("no block was made after {}", seconds(after)));
    }
    let stretches = stretches(question, history, after, end, &made);
    let reached = if fresh { spreading(&stretches, question.within.min(SPREADING)) } else { for_good(&stretches) };
    let took = reached.map(|at| at - after);
    match took {
        Some(took) if took <= question.within => {
            let actual = format!("after {}", seconds(took));
            (Outcome::pass(expected, actual).used(Budget::time(took, question.within)), Some(took))
        }
        Some(took) => {
            let actual = format!("only after {}", seconds(took));
            let late = after + question.within;
            (Outcome::fail(expected, actual).at(late).used(Budget::time(took, question.within)), Some(took))
        }
        None => {
            let actual = format!("not by the end of the run: {}", at_end(question, history));
            let budget_ends = after + question.within;
            let last = last_change(question, history);
            if end < budget_ends {
                let early = format!("{actual}; the run ends before the budget");
                return (Outcome::inconclusive(expected, early).at(end), None);
            }
            let used = Budget::time(end - after, question.within);
            (Outcome::fail(expected, actual).at(end).seen(last).used(used), None)
        }
    }
}

/// When the last fault ended, or the words of one that didn't.
fn healed(history: &History) -> Result<Duration, String> {
    let mut healed = Duration::ZERO;
    for fault in history.faults() {
        healed = healed.max(fault.until.ok_or(fault.what)?);
    }
    Ok(healed)
}

/// Tips that no node had by `after`: above all that any had, or, where a node says so, made later.
fn made_after(history: &History, after: Duration) -> BTreeSet<&str> {
    let mut known = BTreeSet::new();
    let mut heights: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut made, mut later) = (BTreeSet::new(), BTreeSet::new());
    let mut highest = None;
    let mut produced = BTreeSet::new();
    for seen in history.observations() {
        if let What::Log { event, fields, .. } = &seen.what
            && event == "produced"
            && seen.at > after
        {
            produced.extend(fields.get("hash").map(|hash| short(&hash.to_string()).to_owned()));
        }
        let What::Chain { height, tip, .. } = &seen.what else {
            continue;
        };
        if seen.at <= after {
            known.insert(tip.as_str());
            heights.insert(&seen.source, *height);
        } else {
            let highest = *highest.get_or_insert(heights.values().max().copied().unwrap_or(0));
            if *height > highest && !known.contains(tip.as_str()) {
                made.insert(tip.as_str());
            }
            later.insert(tip.as_str());
        }
    }
    made.extend(later.into_iter().filter(|tip| produced.contains(short(tip))));
    made
}

fn stretches(
    question: &Question<'_>,
    history: &History,
    after: Duration,
    end: Duration,
    made: &BTreeSet<&str>,
) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = vec![Stretch { from: after, until: end, agree: false, fresh: false }];
    chains::instants(history, question.who, |at, states| {
        let agree = agree(question, states);
        let fresh = agree && states.values().all(|state| made.contains(state.tip));
        if at <= after {
            stretches[0].agree = agree;
            stretches[0].fresh = fresh;
            return;
        }
        if let Some(last) = stretches.last_mut() {
            last.until = at;
        }
        stretches.push(Stretch { from: at, until: end, agree, fresh });
    });
    stretches
}

fn agree(question: &Question<'_>, states: &BTreeMap<&str, State<'_>>) -> bool {
    let all_up = states.values().all(|state| state.up_since.is_some());
    if !all_up || states.len() < question.who.iter().collect::<BTreeSet<_>>().len() {
        return false;
    }
    let heights = || states.values().map(|state| state.height);
    match question.on {
        Agreement::Tips => {
            let tips: BTreeSet<&str> = states.values().map(|state| state.tip).collect();
            tips.len() == 1
        }
        Agreement::HeightsWithin(blocks) => {
            let (least, most) = (heights().min(), heights().max());
            most.unwrap_or(0) - least.unwrap_or(0) <= blocks
        }
        Agreement::HeightAtLeast(height) => heights().all(|own| own >= height),
    }
}

/// The beginning of the agreement that lasts to the end.
fn for_good(stretches: &[Stretch]) -> Option<Duration> {
    let lasting = stretches.iter().rev().take_while(|stretch| stretch.agree);
    lasting.last().map(|stretch| stretch.from)
}

/// The first agreement on a new tip after the last disagreement that lasted longer than `tolerance`.
fn spreading(stretches: &[Stretch], tolerance: Duration) -> Option<Duration> {
    let mut begin = None;
    let mut differ_since = None;
    for stretch in stretches {
        if stretch.agree {
            differ_since = None;
            if stretch.fresh {
                begin = begin.or(Some(stretch.from));
            }
            continue;
        }
        let since = *differ_since.get_or_insert(stretch.from);
        if stretch.until.saturating_sub(since) > tolerance {
            begin = None;
        }
    }
    begin
}

/// `a at 1100 1a2b3c4d, b down`.
fn at_end(question: &Question<'_>, history: &History) -> String {
    let mut text = Vec::new();
    chains::instants(history, question.who, |_, states| {
        let word = |(node, state): (&&str, &State<'_>)| match state.up_since {
            Some(_) => format!("{node} at {}", words::tip(state.height, state.tip)),
            None => format!("{node} is down"),
        };
        text = states.iter().map(word).collect();
    });
    text.join(", ")
}

/// The last change of the node that lags most.
fn last_change<'a>(question: &Question<'_>, history: &'a History) -> Option<&'a Observation> {
    let last = |node: &String| chains::changes(history, node).pop();
    let lowest = question.who.iter().filter_map(last);
    lowest.min_by_key(|change| change.height).map(|change| change.seen)
}

#[cfg(test)]
mod tests;
