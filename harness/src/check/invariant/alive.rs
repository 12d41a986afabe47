//! A node ends when a fault ends it, and at no other time.
use std::collections::BTreeSet;

use crate::check::verdict::Outcome;
use crate::history::{History, What};

use super::unless_silent;

/// No process ended by itself.
pub fn judge(nodes: &BTreeSet<String>, history: &History) -> Outcome {
    let expected = "each node runs, but for faults";
    for seen in history.observations().iter().filter(|seen| nodes.contains(&seen.source)) {
        if let What::Process { by_itself: Some(how), .. } = &seen.what {
            return Outcome::fail(expected, format!("{} ended by itself: {how}", seen.source)).seen(Some(seen));
        }
    }
    unless_silent(nodes, history, expected, "so to the end".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{Fail, Inconclusive, Pass};
    use crate::history::build::history;

    #[test]
    fn only_faults_end_nodes() {
        let judge = |history| judge(&["a".into()].into(), &history).verdict;
        let killed = || history().log("a", "started", "").process("a", false).process("a", true);
        assert_eq!(judge(killed().ended()), Pass);
        assert_eq!(judge(killed().crashed("a", "exit status: 101, index out of bounds").ended()), Fail);
        assert_eq!(judge(killed().done()), Inconclusive);
        assert_eq!(judge(history().ended()), Inconclusive);
    }
}
