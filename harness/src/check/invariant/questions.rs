//! No node asks another one without end, whatever it asks but for blocks, which have checks of their own.
use crate::check::verdict::Outcome;
use crate::history::{History, busiest};

/// Questions to one party in a minute, at most. A search for a common ancestor asks for at most 142 hashes, and a peer that answers nonsense is
/// searched 10 times before it is left alone for 10 min (D-6); all else is a few a tick. Twice that is far from what a loop asks.
const AT_MOST: f64 = 3_000.0;

/// The busiest minute of all is within bounds; `None` where nobody counted.
pub fn judge(history: &History) -> Option<Outcome> {
    let (from, to, asked) = busiest(history)?;
    let name = |ip| history.meta().name_of(ip).unwrap_or(ip);
    let expected = format!("at most {AT_MOST} questions of one node to one other in a minute");
    let actual = format!("{} asked {} {asked} times", name(from), name(to));
    Some(if asked <= AT_MOST { Outcome::pass(expected, actual) } else { Outcome::fail(expected, actual) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{Fail, Pass};
    use crate::history::build::history;
    use crate::history::busiest_link;

    #[test]
    fn only_a_storm_is_too_much() {
        let link = busiest_link(&[10, 0, 0, 1].into(), &[10, 0, 0, 2].into());
        let judge = |asked| judge(&history().metrics("harness", &[(link.as_str(), asked)]).ended());
        assert_eq!(judge(3_000.0).map(|outcome| outcome.verdict), Some(Pass));
        let storm = judge(3_001.0).expect("it was counted");
        assert_eq!((storm.verdict, storm.actual.as_str()), (Fail, "a asked b 3001 times"));
        assert!(super::judge(&history().metrics("harness", &[("network_bytes", 1e9)]).ended()).is_none());
    }
}
