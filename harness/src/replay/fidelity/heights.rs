//! The heights of each host over time, as steps.
use super::{Found, Tolerance};
use crate::replay::incident::Host;
use crate::replay::matching::Pair;
use crate::replay::track::track;
use crate::report::chart::minutes;

/// For each host the share of time in which the run's height is near the incident's: from when both are known until the
/// host's log ends. A run that ends before doesn't show the rest, and a host without a node shows nothing.
pub fn compare(pair: &Pair<'_>, tolerance: &Tolerance) -> Found {
    let mut found = Found::default();
    let mut words = Vec::new();
    for host in &pair.incident.hosts {
        let Some((share, apart)) = share(pair, host, tolerance) else { continue };
        found.possible += 1.0;
        found.reached += share;
        let apart = apart.map(|apart| format!(" ({apart})")).unwrap_or_default();
        words.push(format!("{} {} % of the time{apart}", host.name, (share * 100.0).floor()));
    }
    found.words = words.join(", ");
    found
}

fn share(pair: &Pair<'_>, host: &Host, tolerance: &Tolerance) -> Option<(f64, Option<String>)> {
    let ours = track(host, host.ends, |at| pair.at(pair.clamp(at)))?;
    let Some(node) = pair.node(host) else {
        return (ours.until > ours.from()).then(|| (0.0, Some("no node stands for it".into())));
    };
    let theirs = track(node, pair.run.ends, |at| pair.run_at(at))?;
    let (from, until) = (ours.from().max(theirs.from()), ours.until);
    if from >= until {
        return None;
    }
    let changes = ours.steps.iter().chain(&theirs.steps).map(|(at, _)| *at).chain([theirs.until]);
    let mut cuts: Vec<i64> = changes.filter(|at| (from..until).contains(at)).chain([from, until]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let (mut near, mut apart) = (0, None);
    for piece in cuts.windows(2) {
        let &[at, next] = piece else { continue };
        match (ours.height(at)?, theirs.height(at).filter(|_| at < theirs.until)) {
            (our, Some(their)) if our.abs_diff(their) <= tolerance.height => {
                near = next.saturating_sub(at).saturating_add(near)
            }
            (our, Some(their)) => {
                apart.get_or_insert_with(|| format!("first apart at {} of the run: {our}, there {their}", minutes(at)));
            }
            (_, None) => {
                apart.get_or_insert_with(|| format!("the run ends at {}", minutes(at)));
            }
        }
    }
    Some((near as f64 / until.saturating_sub(from) as f64, apart))
}

#[cfg(test)]
mod tests {
    use super::super::build::{incident, seconds};
    use super::*;
    use crate::replay::clockwork::Clockwork;
    use crate::replay::matching::Matching;

    fn compared(run: &[(i64, u64)], run_ends: i64, clockwork: Clockwork) -> Found {
        let logs = incident().host("a").height(0, 100).height(50, 200).built();
        let mut build = incident().host("a");
        for (at, height) in run {
            build = build.height(*at, *height);
        }
        let mut run = build.built();
        run.ends = run.begins + seconds(run_ends);
        let matching = Matching { clockwork, ..Matching::default() };
        compare(&Pair::new(&logs, &run, &matching), &Tolerance::default())
    }

    #[test]
    fn steps_are_compared_over_time() {
        let alike = Clockwork::default;
        assert_eq!(compared(&[(0, 100), (75, 200)], 100, alike()).reached, 0.75);
        assert_eq!(
            compared(&[(0, 100), (75, 200)], 100, alike()).words,
            "a 75 % of the time (first apart at 0:50 of the run: 200, there 100)"
        );
        assert_eq!(compared(&[(0, 99), (50, 201)], 100, alike()).reached, 1.0);
        assert_eq!(compared(&[(20, 100), (50, 200)], 100, alike()).reached, 1.0, "from when both are known");
        assert_eq!(compared(&[(0, 100), (50, 200)], 60, alike()).reached, 0.6, "a run that ends doesn't show the rest");
        assert_eq!(compared(&[], 100, alike()).possible, 0.0);
    }

    #[test]
    fn a_squeezed_time_weighs_what_it_takes_in_the_run() {
        let squeezed = Clockwork::new([(0, 0), (seconds(50), seconds(10)), (seconds(100), seconds(60))]);
        assert_eq!(compared(&[(0, 7), (10, 200)], 60, squeezed).reached, 50.0 / 60.0);
        let cut = Clockwork::new([(seconds(40), 0), (seconds(60), seconds(20))]);
        assert_eq!(compared(&[(0, 100), (10, 200)], 20, cut).reached, 1.0);
    }
}
