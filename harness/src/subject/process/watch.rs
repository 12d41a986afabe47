//! What is seen of a run in real time, in the scenario's time.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::fault::SimTime;
use crate::history::{Observation, What};

/// Observations of one run, at most: a node that floods its peers must not fill the memory.
const MOST: usize = 300_000;

/// Takes observations from all threads of a run. Clones are the same watch.
#[derive(Debug, Clone)]
pub struct Watch {
    time_scale: u32,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    began: Instant,
    seen: Vec<Observation>,
}

impl Watch {
    /// Begins now; a second is `time_scale` seconds of the scenario (D-29).
    #[allow(clippy::disallowed_methods, reason = "a run of processes is in real time")]
    pub fn start(time_scale: u32) -> Self {
        let shared = Shared { began: Instant::now(), seen: Vec::new() };
        Self { time_scale, shared: Arc::new(Mutex::new(shared)) }
    }

    /// The run begins only now; what was seen before it was seen at its beginning.
    #[allow(clippy::disallowed_methods, reason = "a run of processes is in real time")]
    pub fn restart(&self) {
        let mut shared = self.shared();
        shared.began = Instant::now();
        shared.seen.iter_mut().for_each(|seen| seen.at = SimTime::ZERO);
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many seconds of the scenario a second is.
    pub fn time_scale(&self) -> u32 {
        self.time_scale
    }

    /// When the run began.
    pub fn began(&self) -> Instant {
        self.shared().began
    }

    /// The scenario's time.
    pub fn now(&self) -> SimTime {
        self.began().elapsed() * self.time_scale
    }

    /// The scenario's time at an instant.
    pub fn at(&self, instant: Instant) -> SimTime {
        instant.saturating_duration_since(self.began()) * self.time_scale
    }

    /// The scenario's time when the machine's clock, which nobody has set since, was at `past`.
    pub fn at_clock(&self, past: Timestamp) -> SimTime {
        let ago = Duration::try_from(Timestamp::now().duration_since(past)).unwrap_or_default();
        self.now().saturating_sub(ago.saturating_mul(self.time_scale))
    }

    /// Real time until `at`; zero when that is over.
    pub fn until(&self, at: SimTime) -> Duration {
        at.saturating_sub(self.now()) / self.time_scale
    }

    /// Something was seen now.
    pub fn see(&self, source: &str, what: What) {
        self.saw(self.now(), source, what);
    }

    /// Something was seen at `at`.
    pub fn saw(&self, at: SimTime, source: &str, what: What) {
        let mut shared = self.shared();
        if shared.seen.len() >= MOST {
            return;
        }
        shared.seen.push(Observation { at, source: source.to_owned(), what });
    }

    /// The last of what was seen that `kind` knows.
    pub fn last<T>(&self, kind: impl Fn(&Observation) -> Option<T>) -> Option<T> {
        self.shared().seen.iter().rev().find_map(kind)
    }

    /// Whether there was more to see than is kept: what came after is unknown.
    pub fn is_full(&self) -> bool {
        self.shared().seen.len() >= MOST
    }

    /// Everything so far, in order of arrival.
    pub fn take(&self) -> Vec<Observation> {
        std::mem::take(&mut self.shared().seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clock_and_the_scenarios_time_go_together() {
        let watch = Watch::start(10);
        watch.shared().began -= Duration::from_secs(60);
        let (clock, now) = (Timestamp::now(), watch.now());
        let is = |seconds: u64, at: SimTime| at.abs_diff(Duration::from_secs(seconds)) < Duration::from_secs(50);
        assert!(is(600, now) && is(600, watch.at_clock(clock)));
        assert!(is(400, watch.at_clock(clock - Duration::from_secs(20))));
        assert_eq!(watch.at_clock(clock - Duration::from_secs(3_600)), SimTime::ZERO, "before the run");
        assert!(is(600, watch.at_clock(clock + Duration::from_secs(3_600))), "not later than now");
    }
}
