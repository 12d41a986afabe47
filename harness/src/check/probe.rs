//! Faults are real: each that was planned began, affected something, and left nothing behind. A run whose fault didn't bite
//! shows nothing; one that isn't healed is the harness's own error. Neither says anything about the nodes.
use std::collections::BTreeMap;

use crate::history::{History, What};

use super::verdict::Outcome;

/// One outcome for the number of faults, and one for each that began.
pub fn judge(planned: usize, history: &History) -> Vec<(String, Outcome)> {
    let faults = history.faults();
    let mut ends: BTreeMap<u32, (Option<&str>, bool)> = BTreeMap::new();
    for seen in history.observations() {
        if let What::FaultEnded { id, bit, gone } = &seen.what {
            ends.insert(*id, (bit.as_deref(), *gone));
        }
    }
    let mut outcomes = Vec::new();
    if faults.len() != planned {
        let expected = format!("{planned} faults");
        let actual = format!("{} began", faults.len());
        outcomes.push(("all faults".into(), Outcome::inconclusive(expected, actual)));
    }
    for fault in faults {
        let expected = "it affects something, and is gone at its end";
        let outcome = match ends.get(&fault.id) {
            None => Outcome::inconclusive(expected, "it did not end"),
            Some((_, false)) => Outcome::inconclusive(expected, "the effect is not gone: an error of the harness"),
            Some((None, true)) => Outcome::inconclusive(expected, "the fault did not bite: nothing was affected"),
            Some((Some(bit), true)) => Outcome::pass(expected, *bit),
        };
        let outcome = outcome.at(fault.from);
        outcomes.push((format!("fault: {}", fault.what), outcome));
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{self, Inconclusive, Pass};
    use crate::history::build::history;

    fn verdicts(planned: usize, history: &History) -> Vec<Verdict> {
        let outcomes = judge(planned, history).into_iter();
        outcomes.map(|(_, outcome)| outcome.verdict).collect()
    }

    #[test]
    fn a_fault_bites_and_is_gone() {
        let cut = || history().at(5_000).fault_began(3, "cut a | b").at(9_000);
        let good = cut().fault_ended(3, Some("2 segments held"), true).ended();
        assert_eq!(verdicts(1, &good), [Pass]);
        assert_eq!(verdicts(2, &good), [Inconclusive, Pass], "one never began");
        assert_eq!(verdicts(1, &cut().fault_ended(3, None, true).ended()), [Inconclusive]);
        assert_eq!(verdicts(1, &cut().fault_ended(3, Some("x"), false).ended()), [Inconclusive]);
        assert_eq!(verdicts(1, &cut().ended()), [Inconclusive]);
        assert_eq!(verdicts(0, &history().ended()), []);
    }
}
