//! A metric's value at a time.
use std::collections::BTreeMap;
use std::time::Duration;

use crate::history::{History, Observation, What, seconds};

use super::verdict::{Budget, Outcome, limits};

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

/// The value in the last sample by `at` (default: the end), or what it has grown by since `since`, is within its limits. A metric that
/// isn't served fails.
pub fn judge(
    on: &str,
    name: &str,
    at: Option<Duration>,
    since: Option<Duration>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    history: &History,
) -> Outcome {
    let limits = limits(at_least.map(|least| least.to_string()), at_most.map(|most| most.to_string()));
    let expected = match since {
        None => format!("{name} of {limits}"),
        Some(since) => format!("{name} grown by {limits} since {}", seconds(since)),
    };
    let Some(at) = at.or(history.end()) else {
        return Outcome::inconclusive(expected, "the history breaks off");
    };
    let before = since.map_or(Ok((Duration::ZERO, 0.0)), |since| sampled(on, name, since, history));
    let (seen, value, before) = match (sampled(on, name, at, history), before) {
        (Ok((seen, value)), Ok((_, before))) => (seen, value, before),
        (Err(outcome), _) | (_, Err(outcome)) => return Outcome { expected, ..outcome },
    };
    let value = value - before;
    let actual = format!("{value} at {}", seconds(seen));
    // Not a number is in no limits.
    let fits = at_least.is_none_or(|least| value >= least) && at_most.is_none_or(|most| value <= most);
    let used = at_most.map(|most| Budget::metric(value, most));
    if fits { Outcome::pass(expected, actual) } else { Outcome::fail(expected, actual).at(seen) }.used(used)
}

/// A metric's value in the last sample by `at`, and that sample's time.
fn sampled(on: &str, name: &str, at: Duration, history: &History) -> Result<(Duration, f64), Outcome> {
    let mut samples = samples(history, on).into_iter().rev();
    let sample = samples.find(|(seen, _)| seen.at <= at);
    let Some((seen, values)) = sample.filter(|(seen, _)| at - seen.at <= FRESH) else {
        let actual = format!("no sample of {on} in the {} before {}", seconds(FRESH), seconds(at));
        return Err(Outcome::inconclusive("", actual));
    };
    let value = values.get(name).ok_or_else(|| {
        let near = values.keys().min_by_key(|known| strsim::levenshtein(known, name));
        let near = near.map(|near| format!(", nearest: {near}")).unwrap_or_default();
        Outcome::fail("", format!("not among its {} metrics{near}", values.len())).at(seen.at)
    })?;
    Ok((seen.at, *value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict::{self, Fail, Inconclusive, Pass};
    use crate::history::build::{Build, history};

    fn ask(name: &str, at: Option<u64>, limits: [Option<f64>; 2], history: &History) -> Verdict {
        let at = at.map(Duration::from_secs);
        judge("a", name, at, None, limits[0], limits[1], history).verdict
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
    fn growth_is_between_two_samples() {
        let history = sampled().metrics("a", &[("checks_total", 5.0)]).ended();
        let since = |since, least, most| {
            let since = Some(Duration::from_secs(since));
            judge("a", "checks_total", None, since, Some(least), Some(most), &history).verdict
        };
        assert_eq!(since(20, 4.0, 4.0), Pass);
        assert_eq!(since(19, 5.0, 5.0), Pass);
        assert_eq!(since(20, 5.0, 9.0), Fail);
        assert_eq!(since(5, 0.0, 9.0), Inconclusive, "nothing was sampled then");
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
        let outcome = judge("a", "check_total", None, None, None, None, &sampled().ended());
        assert_eq!(outcome.verdict, Fail);
        assert_eq!(outcome.actual, "not among its 1 metrics, nearest: checks_total");
        let limits = [Some(0.0), None];
        assert_eq!(ask("checks_total", Some(5), limits, &sampled().ended()), Inconclusive);
        assert_eq!(ask("checks_total", None, limits, &sampled().done()), Inconclusive);
        assert_eq!(ask("checks_total", None, limits, &sampled().at(60_000).ended()), Inconclusive);
    }
}
