//! The machine's wall clock, and one that tests set.
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::Clock;

/// The machine's wall clock; a time before 1970 counts as 1970.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place where wall time enters; everything else asks a Clock")]
    fn unix_ms(&self) -> i64 {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
    }
}

/// A clock that a file sets: how many seconds it is from the machine's, and how much faster it goes from then on, as libfaketime has it:
/// `+3600.000 x1.000100`. It is read whenever the time is asked for; what isn't such a text changes nothing.
#[derive(Debug)]
pub struct FileClock {
    path: PathBuf,
    set: Mutex<Set>,
}

/// How it was set last.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Set {
    offset_s: f64,
    rate: f64,
    /// The machine's time then.
    at_ms: i64,
}

impl FileClock {
    /// The clock of the file at `path`; while there is none, the machine's.
    pub fn new(path: PathBuf) -> Self {
        Self { path, set: Mutex::new(Set { rate: 1.0, ..Set::default() }) }
    }

    fn at(&self, machine_ms: i64) -> i64 {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((offset_s, rate)) = fs::read_to_string(&self.path).ok().as_deref().and_then(read)
            && (offset_s, rate) != (set.offset_s, set.rate)
        {
            *set = Set { offset_s, rate, at_ms: machine_ms };
        }
        let gained = (machine_ms - set.at_ms) as f64 * (set.rate - 1.0);
        machine_ms.saturating_add((set.offset_s * 1e3 + gained) as i64)
    }
}

impl Clock for FileClock {
    fn unix_ms(&self) -> i64 {
        self.at(SystemClock.unix_ms())
    }
}

fn read(text: &str) -> Option<(f64, f64)> {
    let (offset, rate) = text.trim().split_once(" x")?;
    let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
    Some((number(offset)?, number(rate)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_sets_a_clock_and_junk_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clock");
        let clock = FileClock::new(path.clone());
        assert_eq!(clock.at(5_000), 5_000);
        fs::write(&path, "+3600.000 x1.000000\n").unwrap();
        assert_eq!((clock.at(5_000), clock.at(6_000)), (3_605_000, 3_606_000));
        fs::write(&path, "-1.500 x2.000000\n").unwrap();
        assert_eq!((clock.at(6_000), clock.at(7_000)), (4_500, 6_500));
        for junk in ["", "+5", "x2", "nan x1", "+5 xinf"] {
            fs::write(&path, junk).unwrap();
            assert_eq!(clock.at(7_000), 6_500, "{junk}");
        }
    }
}
