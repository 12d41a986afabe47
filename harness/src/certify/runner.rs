//! All trials, several at a time.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use super::judgement::Judgement;
use super::trial::{Subject, Trial};
use crate::history::History;

/// What came of one trial: what was seen and what it is worth, or why the harness failed.
pub type Told = Result<(History, Judgement), String>;

/// Runs `trials`, `jobs` at a time, and hands over each with its number as it ends; `ended` says whether to go on.
pub fn run(
    trials: &[Trial],
    subject: &Subject,
    seed: u64,
    jobs: usize,
    mut ended: impl FnMut(usize, Told) -> bool,
) {
    let (next, (done, results)) = (AtomicUsize::new(0), channel());
    thread::scope(|scope| {
        for _ in 0..jobs.min(trials.len()) {
            let (done, next) = (done.clone(), &next);
            scope.spawn(move || {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(trial) = trials.get(i) else { break };
                    let told = catch_unwind(AssertUnwindSafe(|| trial.run(subject, seed)));
                    let told = match told {
                        Ok(told) => told.map_err(|error| error.to_string()),
                        Err(_) => Err(format!("{trial}: the harness panicked")),
                    };
                    // Nobody waits any more once one could not be told.
                    if done.send((i, told)).is_err() {
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
