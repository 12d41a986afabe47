//! All trials, several at a time.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::judgement::Judgement;
use super::trial::{Subject, Trial};
use crate::check::Verdict;
use crate::history::History;
use crate::run::Backend;

/// In real time trials begin one after the other, so that their set-ups don't stand in each other's way.
const STAGGER: Duration = Duration::from_millis(150);

/// What came of one trial: what was seen and what it is worth, or why the harness failed.
pub type Told = Result<(History, Judgement), String>;

/// Runs `trials`, `jobs` at a time, and hands over each with its number as it ends; `ended` says whether to go on.
///
/// In real time the shortest goes alone at first: a node that doesn't get through its set-up is not tried for half an hour.
pub fn run(trials: &[Trial], subject: &Subject, seed: u64, jobs: usize, mut ended: impl FnMut(usize, Told) -> bool) {
    let probe = probe(trials, subject);
    if let Some(i) = probe {
        let told = one(&trials[i], subject, seed);
        let stuck =
            told.as_ref().is_ok_and(|(_, judgement)| judgement.verdict == Verdict::Inconclusive && !judgement.began());
        if !ended(i, told) {
            return;
        }
        if stuck {
            let why = format!("not tried: {} could not begin", trials[i]);
            let untold = || Ok((History::default(), Judgement::not_begun(vec![why.clone()])));
            (0..trials.len()).filter(|other| *other != i).all(|other| ended(other, untold()));
            return;
        }
    }
    let rest: Vec<usize> = (0..trials.len()).filter(|i| Some(*i) != probe).collect();
    let (next, (done, results)) = (AtomicUsize::new(0), channel());
    thread::scope(|scope| {
        for n in 0..jobs.min(rest.len()) {
            let (done, next, rest) = (done.clone(), &next, &rest);
            scope.spawn(move || {
                if !subject.is_simulated() {
                    thread::sleep(STAGGER * n as u32);
                }
                while let Some(i) = rest.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Nobody waits any more once one could not be told.
                    if done.send((*i, one(&trials[*i], subject, seed))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(done);
        for (i, told) in results {
            if !ended(i, told) {
                break;
            }
        }
    });
}

/// How long that takes in real time at least; `None` where time is simulated.
pub fn lasts(trials: &[Trial], subject: &Subject, jobs: usize) -> Option<Duration> {
    if subject.is_simulated() {
        return None;
    }
    let takes = |i: usize| (trials[i].case.runs_for + subject.setup) / subject.backend.time_scale();
    let probe = probe(trials, subject);
    let mut ends = vec![probe.map_or(Duration::ZERO, takes); jobs.max(1)];
    for i in (0..trials.len()).filter(|i| Some(*i) != probe) {
        *ends.iter_mut().min()? += takes(i);
    }
    ends.into_iter().max()
}

/// Which goes alone at first.
fn probe(trials: &[Trial], subject: &Subject) -> Option<usize> {
    match &subject.backend {
        Backend::Simulation(_) | Backend::EventQueue(_) => None,
        Backend::Processes(_) => (0..trials.len()).min_by_key(|i| trials[*i].case.runs_for),
        // They depend on each other's order.
        Backend::Attached(_) => (!trials.is_empty()).then_some(0),
    }
}

fn one(trial: &Trial, subject: &Subject, seed: u64) -> Told {
    match catch_unwind(AssertUnwindSafe(|| trial.run(subject, seed))) {
        Ok(told) => told.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{trial}: the harness panicked")),
    }
}
