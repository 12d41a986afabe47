//! What is seen of a run.
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use node::runtime::network::Clock;

use super::heap::Ms;
use crate::history::{Observation, What};
use crate::subject::sim_clock::EPOCH_MS;

/// The log of a run, and its time. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    now: AtomicU64,
    log: Mutex<Vec<Observation>>,
}

impl Seen {
    /// Time goes on to `now`.
    pub fn set_now(&self, now: Ms) {
        self.0.now.store(now, Ordering::Relaxed);
    }

    /// The time.
    pub fn now(&self) -> Ms {
        self.0.now.load(Ordering::Relaxed)
    }

    /// Takes an observation, made now.
    pub fn push(&self, source: &str, what: What) {
        self.push_at(Duration::from_millis(self.now()), source, what);
    }

    /// Takes one that was made at another time.
    pub fn push_at(&self, at: Duration, source: &str, what: What) {
        let mut log = self.0.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(Observation { at, source: source.to_owned(), what });
    }

    /// All that was seen.
    pub fn take(&self) -> Vec<Observation> {
        std::mem::take(&mut self.0.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A clock that nothing skews.
impl Clock for Seen {
    fn unix_ms(&self) -> i64 {
        EPOCH_MS + self.now() as i64
    }
}
