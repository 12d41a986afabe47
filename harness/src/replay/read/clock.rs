//! Which day and year a line's time belongs to.
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::stamp::{DAY, Stamp, midnight};

/// The day of times that tell none.
const SOME_DAY: (i16, i8, i8) = (2026, 6, 1);
/// How far before the line before a line may be and still be of the same year: clocks are set back, hosts are mixed.
const EARLIER: i64 = 90 * DAY;
const YEAR: i64 = 365 * DAY;
/// A step back of more is the next day's.
const HALF_DAY: i64 = DAY / 2;
/// A step forward of more is the day's before, told late.
const ALMOST_A_DAY: i64 = 23 * DAY / 24;

/// Dates lines of files that are read one after the other.
#[derive(Debug, Default)]
pub struct Clock {
    /// The first year, by hand.
    year: Option<i16>,
    /// When the file was written, where that is known.
    written: Option<i64>,
    /// The last time of each host in this file, and in the files before.
    hosts: Vec<(Option<i64>, Option<i64>)>,
    /// The last time in this file.
    last: Option<i64>,
    /// The first time in this file that has been looked for ahead.
    first: Option<i64>,
    /// The year that was taken for this file because its lines have none.
    pub year_taken: Option<i16>,
    /// Its first times have no day, and that of its first date, or an arbitrary one was taken.
    pub day_taken: bool,
    /// Its times until now are of an arbitrary day.
    some_day: bool,
    /// How often a host's time stepped back in this file.
    pub steps_back: u64,
}

impl Clock {
    /// With a year for lines without one, the first of each file.
    pub fn new(year: Option<i16>) -> Self {
        Self { year, ..Self::default() }
    }

    /// The next file begins; `written` is the time of its last change, microseconds since 1970.
    pub fn open(&mut self, written: Option<i64>) {
        let hosts = self.hosts.drain(..).map(|(here, before)| (None, here.or(before))).collect();
        *self = Self { year: self.year, written, hosts, ..Self::default() };
    }

    /// The file's first time, for lines before it, and its first date, for times of day before that.
    pub fn begin(&mut self, first: Stamp, dated: Option<Stamp>) {
        for stamp in dated.into_iter().chain([first]) {
            self.first = Some(self.date(None, stamp));
        }
        self.day_taken |= matches!(first, Stamp::OfDay(_));
    }

    /// The time of a host's line.
    pub fn tell(&mut self, host: usize, stamp: Stamp) -> i64 {
        let at = self.date(Some(host), stamp);
        if self.hosts.len() <= host {
            self.hosts.resize(host + 1, (None, None));
        }
        let last = self.hosts[host].0.replace(at);
        self.steps_back += u64::from(last.is_some_and(|last| last > at));
        self.last = Some(at);
        self.some_day &= matches!(stamp, Stamp::OfDay(_));
        at
    }

    /// The time of a host's line that has none: that of its line before, else that of the file's, else the file's first.
    pub fn now(&self, host: usize) -> i64 {
        self.before(Some(host)).or(self.first).unwrap_or_else(some_day)
    }

    fn before(&self, host: Option<usize>) -> Option<i64> {
        host.and_then(|host| self.hosts.get(host)?.0).or(self.last)
    }

    fn date(&mut self, host: Option<usize>, stamp: Stamp) -> i64 {
        match stamp {
            Stamp::Whole(at) => at,
            Stamp::Yearless(month, day, of_day) => {
                let before = self.before(host).or(self.first).filter(|_| !self.some_day);
                // The last year in which the time isn't too late.
                let (year, latest) = match (before, self.year, self.written) {
                    (Some(before), ..) => (year_of(before) + 1, before + YEAR - EARLIER),
                    (None, Some(year), _) => (year, i64::MAX),
                    (None, None, Some(written)) => (year_of(written) + 1, written + DAY),
                    (None, None, None) => (SOME_DAY.0, i64::MAX),
                };
                // Eight years: between two leap days, at the turn of some centuries.
                let mut times = (year.saturating_sub(8)..=year)
                    .rev()
                    .filter_map(|year| Some((year, midnight(year, month, day)? + of_day)));
                let (year, at) = times.find(|(_, at)| *at <= latest).unwrap_or((year, of_day));
                if self.year.is_none() {
                    self.year_taken.get_or_insert(year);
                }
                at
            }
            Stamp::OfDay(of_day) => {
                let carried = || host.and_then(|host| self.hosts.get(host)?.1);
                let before = self.before(host).or(self.first).or_else(carried);
                self.day_taken |= before.is_none();
                self.some_day |= before.is_none();
                let before = before.unwrap_or_else(|| some_day() + of_day);
                let at = before - before.rem_euclid(DAY) + of_day;
                match at - before {
                    step if step < -HALF_DAY => at + DAY,
                    step if step > ALMOST_A_DAY => at - DAY,
                    _ => at,
                }
            }
        }
    }
}

/// Midnight of the day that is taken where none is told.
pub fn some_day() -> i64 {
    midnight(SOME_DAY.0, SOME_DAY.1, SOME_DAY.2).unwrap_or_default()
}

fn year_of(at: i64) -> i16 {
    Timestamp::from_microsecond(at).map_or(SOME_DAY.0, |at| TimeZone::UTC.to_datetime(at).year())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i16, month: i8, day: i8, hour: i64) -> i64 {
        midnight(year, month, day).unwrap() + hour * 3_600_000_000
    }

    fn yearless(month: i8, day: i8) -> Stamp {
        Stamp::Yearless(month, day, 0)
    }

    #[test]
    fn a_missing_year_is_that_in_which_the_log_is_no_later_than_its_file() {
        let mut clock = Clock::new(None);
        clock.open(Some(at(2026, 1, 3, 12)));
        assert_eq!(clock.tell(0, yearless(12, 26)), at(2025, 12, 26, 0));
        assert_eq!(clock.year_taken, Some(2025));
        assert_eq!(clock.tell(0, yearless(1, 1)), at(2026, 1, 1, 0), "a year's end in between");
        assert_eq!(clock.tell(1, yearless(12, 31)), at(2025, 12, 31, 0), "another host, not as far yet");
        assert_eq!(clock.tell(1, yearless(1, 1)), at(2026, 1, 1, 0));
        assert_eq!(clock.steps_back, 0);
        assert_eq!(clock.tell(0, yearless(12, 31)), at(2025, 12, 31, 0), "a small step back");
        assert_eq!(clock.tell(0, yearless(8, 1)), at(2026, 8, 1, 0), "a pause of seven months");
        assert_eq!(clock.steps_back, 1);
        clock.open(Some(at(2026, 1, 3, 12)));
        assert_eq!(clock.tell(0, yearless(2, 29)), at(2024, 2, 29, 0), "there was none later");
    }

    #[test]
    fn a_year_given_is_that_of_a_files_first_line() {
        let mut clock = Clock::new(Some(2019));
        clock.open(Some(at(2026, 1, 3, 12)));
        assert_eq!(clock.tell(0, yearless(12, 31)), at(2019, 12, 31, 0));
        assert_eq!(clock.tell(0, yearless(1, 1)), at(2020, 1, 1, 0));
        assert_eq!(clock.year_taken, None);
        clock.open(None);
        assert_eq!(clock.tell(0, yearless(5, 1)), at(2019, 5, 1, 0));
    }

    #[test]
    fn times_of_day_go_over_midnight() {
        let hour = |hour: i64| Stamp::OfDay(hour * 3_600_000_000);
        let mut clock = Clock::new(None);
        clock.open(None);
        assert_eq!(clock.now(0), at(2026, 6, 1, 0));
        assert_eq!(clock.tell(0, hour(8)), at(2026, 6, 1, 8));
        assert!(clock.day_taken);
        assert_eq!(clock.tell(0, hour(23)), at(2026, 6, 1, 23), "15 hours later");
        assert_eq!(clock.tell(0, hour(0)), at(2026, 6, 2, 0));
        assert_eq!(clock.tell(0, Stamp::OfDay(DAY - 1)), at(2026, 6, 2, 0) - 1, "told late");
        assert_eq!(clock.steps_back, 1);
        assert_eq!(clock.tell(1, hour(1)), at(2026, 6, 2, 1), "another host in the same file");
        clock.open(None);
        assert_eq!(clock.tell(1, hour(2)), at(2026, 6, 2, 2), "its next file");
        assert!(!clock.day_taken);
        clock.tell(0, Stamp::Whole(at(2025, 3, 1, 5)));
        assert_eq!(clock.tell(0, hour(6)), at(2025, 3, 1, 6), "after a line with a date");
        clock.open(None);
        clock.begin(hour(22), Some(Stamp::Whole(at(2025, 3, 2, 5))));
        assert_eq!(clock.tell(5, hour(22)), at(2025, 3, 2, 22), "before one");
        assert!(clock.day_taken);
        clock.open(Some(at(2026, 1, 3, 12)));
        clock.tell(6, hour(22));
        assert_eq!(clock.tell(7, yearless(12, 24)), at(2025, 12, 24, 0), "an arbitrary day says nothing of the year");
    }

    #[test]
    fn lines_before_the_first_time_have_that_time() {
        let mut clock = Clock::new(None);
        clock.open(None);
        clock.begin(Stamp::Whole(at(2025, 3, 1, 5)), None);
        assert_eq!(clock.now(3), at(2025, 3, 1, 5));
        clock.tell(3, Stamp::Whole(at(2025, 3, 1, 6)));
        assert_eq!((clock.now(3), clock.now(4)), (at(2025, 3, 1, 6), at(2025, 3, 1, 6)));
        assert_eq!(clock.steps_back, 0);
    }
}
