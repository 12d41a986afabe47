//! What a node does follows from what it was told, as far as an oracle beside it can tell.
use crate::check::verdict::Outcome;
use crate::history::{History, What, watched};

/// No oracle found anything; `None` where there was none.
pub fn judge(history: &History) -> Option<Outcome> {
    let breach = history.observations().iter().find_map(|seen| match &seen.what {
        What::Breach { rule, what } => Some((seen, rule, what)),
        _ => None,
    });
    if let Some((seen, rule, what)) = breach {
        return Some(Outcome::fail(rule.clone(), format!("{} {what}", seen.source)).seen(Some(seen)));
    }
    watched(history).then(|| Outcome::pass("each rule that it can be held to at once", "no breach of one"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{Fail, Pass};
    use crate::history::build::history;
    use crate::history::{Observation, WATCHED};
    use std::time::Duration;

    #[test]
    fn a_breach_fails_and_silence_is_a_pass_only_where_somebody_looked() {
        let looked = || history().metrics("harness", &[(WATCHED, 1.0)]).ended();
        assert_eq!(judge(&looked()).map(|outcome| outcome.verdict), Some(Pass));
        assert!(judge(&history().ended()).is_none());
        let mut broken = looked();
        let what = What::Breach { rule: "a pong has its ping's nonce".into(), what: "answers ping 7 with 8".into() };
        broken.push(Observation { at: Duration::from_secs(9), source: "a".into(), what });
        let outcome = judge(&broken).expect("it was seen");
        assert_eq!((outcome.verdict, outcome.actual.as_str()), (Fail, "a answers ping 7 with 8"));
        assert_eq!(outcome.at, Some(Duration::from_secs(9)));
    }
}
