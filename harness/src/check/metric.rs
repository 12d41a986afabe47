//! A metric's value at a time.
use std::collections::BTreeMap;
use std::time::Duration;

use crate::history::{History, Observation, What, seconds};

use super::verdict::{Outcome, limits};

/// A sample older than this doesn't tell a value any more: they are taken each 10 s, and at the end.
const FRESH: Duration = Duration::from_secs(15);

/// A node's samples with their times.
pub fn samples<'a>(history: &'a History, node: &str) -> Vec<(&'a Observation, &'a BTreeMap<String, f64>)> {
    let seen = history.observations().iter().filter(|seen| seen.source == node);
    let samples = seen.filter_map(|seen| match &seen.what {
        What::Metrics(values) => Some((seen, values)),
        _ => None,
    });
    samples.collect()
}

/// The value in the last sample by `at` (default: the end) is within its limits. A metric that isn't served fails.
pub fn judge(
    on: &str,
    name: &str,
    at: Option<Duration>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    history: &History,
) -> Outcome {
    let limits = limits(at_least.map(|least| least.to_string()), at_most.map(|most| most.to_string()));
    let expected = format!("{name} of {limits}");
    let Some(at) = at.or(history.end()) else {
        return Outcome::inconclusive(expected, "the history breaks off");
    };
    let mut samples = samples(history, on).into_iter().rev();
    let sample = samples.find(|(seen, _)| seen.at <= at);
    let Some((seen, values)) = sample.filter(|(seen, _)| at - seen.at <= FRESH) else {
        let actual = format!("no sample of {on} in the {} before {}", seconds(FRESH), seconds(at));
        return Outcome::inconclusive(expected, actual);
    };
    let Some(value) = values.get(name) else {
        let near = values.keys().min_by_key(|known| strsim::levenshtein(known, name));
        let near = near.map(|near| format!(", nearest: {near}")).unwrap_or_default();
        let actual = format!("not among its {} metrics{near}", values.len());
        return Outcome::fail(expected, actual).at(seen.at);
    };
    let actual = format!("{value} at {}", seconds(seen.at));
    // Not a number is in no limits.
    let fits = at_least.is_none_or(|least| *value >= least) && at_most.is_none_or(|most| *value <= most);
    if fits { Outcome::pass(expected, actual) } else { Outcome::fail(expected, actual).at(seen.at) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{self, Fail, Inconclusive, Pass};
    use crate::history::build::{Build, history};

    fn ask(name: &str, at: Option<u64>, limits: [Option<f64>; 2], history: &History) -> Verdict {
        let at = at.map(Duration::from_secs);
        judge("a", name, at, limits[0], limits[1], history).verdict
    }

    fn sampled() -> Build {
        history()
            .at(10_000)
            .metrics("a", &[("checks_total", 0.0), ("odd", f64::NAN)])
            .at(20_000)
            .metrics("a", &[("checks_total", 1.0)])
            .at(30_000)
    }

    #[test]
    fn the_last_sample_by_then_counts() {
        let history = sampled().ended();
        assert_eq!(ask("checks_total", None, [Some(1.0), Some(1.0)], &history), Pass);
        assert_eq!(ask("checks_total", Some(19), [Some(1.0), None], &history), Fail);
        assert_eq!(ask("checks_total", Some(19), [None, Some(0.0)], &history), Pass);
        assert_eq!(ask("odd", Some(10), [Some(0.0), None], &history), Fail);
    }

    #[test]
    fn a_metric_that_is_not_served_fails_and_one_that_was_not_asked_is_inconclusive() {
        let outcome = judge("a", "check_total", None, None, None, &sampled().ended());
        assert_eq!(outcome.verdict, Fail);
        assert_eq!(outcome.actual, "not among its 1 metrics, nearest: checks_total");
        let limits = [Some(0.0), None];
        assert_eq!(ask("checks_total", Some(5), limits, &sampled().ended()), Inconclusive);
        assert_eq!(ask("checks_total", None, limits, &sampled().done()), Inconclusive);
        assert_eq!(ask("checks_total", None, limits, &sampled().at(60_000).ended()), Inconclusive);
    }
}
