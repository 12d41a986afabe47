//! Times as logs write them.
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// What of a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// All: microseconds since 1970, UTC unless a zone is written.
    Whole(i64),
    /// A day without its year: month, day, microseconds of the day.
    Yearless(i8, i8, i64),
    /// Microseconds of a day.
    OfDay(i64),
}

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

impl Stamp {
    /// The time that `text` begins with, and how long it is: `2025-12-02 17:41:47.733`, with `T` and a zone
    /// (`2025-12-02T17:41:47.733Z`, `+0100`, `+01:00`), `Dec 26 21:00:00` or `21:00:00`.
    pub fn parse(text: &[u8]) -> Option<(Self, usize)> {
        match text.first()? {
            b'0'..=b'9' if text.get(4) == Some(&b'-') => whole(text),
            b'0'..=b'9' => of_day(text).map(|(micros, length)| (Self::OfDay(micros), length)),
            b'A'..=b'S' => yearless(text),
            _ => None,
        }
    }
}

/// Midnight of a day, microseconds since 1970; nothing where there is no such day.
pub fn midnight(year: i16, month: i8, day: i8) -> Option<i64> {
    let midnight = Date::new(year, month, day).ok()?.to_datetime(Time::midnight());
    Some(TimeZone::UTC.to_timestamp(midnight).ok()?.as_microsecond())
}

fn whole(text: &[u8]) -> Option<(Stamp, usize)> {
    let split = text.get(7) == Some(&b'-') && matches!(text.get(10), Some(b'T' | b' '));
    let number = |from: usize, to: usize| digits(text.get(from..to)?);
    let day = split.then(|| midnight(number(0, 4)? as i16, number(5, 7)? as i8, number(8, 10)? as i8))??;
    let (micros, length) = of_day(text.get(11..)?)?;
    let length = 11 + length;
    let (ahead, zone) = zone(&text[length..]).unwrap_or_default();
    Some((Stamp::Whole(day + micros - ahead), length + zone))
}

fn yearless(text: &[u8]) -> Option<(Stamp, usize)> {
    let month = MONTHS.iter().position(|month| text.starts_with(month))? as i8 + 1;
    let rest = text.get(3..)?;
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let rest = &rest[spaces..];
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let day = digits(rest.get(..length).filter(|_| matches!(length, 1 | 2) && spaces > 0)?)? as i8;
    // A leap year has all days.
    midnight(2024, month, day)?;
    let (micros, clock) = of_day(rest.get(length..)?.strip_prefix(b" ")?)?;
    Some((Stamp::Yearless(month, day, micros), 3 + spaces + length + 1 + clock))
}

/// `21:00:00`, with any fraction: microseconds, and the length.
fn of_day(text: &[u8]) -> Option<(i64, usize)> {
    let colons = text.get(2) == Some(&b':') && text.get(5) == Some(&b':');
    let [hours, minutes, seconds] =
        [(0, 24), (3, 60), (6, 61)].map(|(at, end)| digits(text.get(at..at + 2)?).filter(|number| *number < end));
    let micros = colons.then(|| Some(((hours? * 60 + minutes?) * 60 + seconds?) * 1_000_000))??;
    if !matches!(text.get(8), Some(b'.' | b',')) {
        return text.get(8).is_none_or(|byte| !byte.is_ascii_digit()).then_some((micros, 8));
    }
    let fraction = text[9..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (first, padding) = (fraction.min(6), 6 - fraction.min(6));
    let part = digits(&text[9..9 + first]).unwrap_or(0) * 10_i64.pow(padding as u32);
    Some(if fraction == 0 { (micros, 8) } else { (micros + part, 9 + fraction) })
}

/// `Z`, `+0100` or `+01:00`: by how much it is ahead, in microseconds, and the length.
fn zone(text: &[u8]) -> Option<(i64, usize)> {
    let sign = match text.first()? {
        b'Z' => return Some((0, 1)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let colon = usize::from(text.get(3) == Some(&b':'));
    let (hours, minutes) = (digits(text.get(1..3)?)?, digits(text.get(3 + colon..5 + colon)?)?);
    Some((sign * (hours * 60 + minutes) * 60_000_000, 5 + colon))
}

fn digits(text: &[u8]) -> Option<i64> {
    let digit = |sum: i64, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'));
    if text.is_empty() { None } else { text.iter().try_fold(0, digit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let noon = 12 * 3_600_000_000;
        let day = midnight(2025, 12, 2).unwrap();
        assert_eq!(day, 1_764_633_600_000_000);
        assert_eq!(midnight(1970, 1, 1), Some(0));
        assert_eq!(midnight(2024, 3, 1).unwrap() - midnight(2024, 2, 28).unwrap(), 2 * DAY);
        for (text, stamp, length) in [
            ("2025-12-02 12:00:00.733 [mn11]", Stamp::Whole(day + noon + 733_000), 23),
            ("2025-12-02T12:00:00.733001999Z  INFO", Stamp::Whole(day + noon + 733_001), 30),
            ("2025-12-02T12:00:00+0130 h", Stamp::Whole(day + noon - 5_400_000_000), 24),
            ("2025-12-02T12:00:00-01:30 h", Stamp::Whole(day + noon + 5_400_000_000), 25),
            ("Dec 26 12:00:00 LW", Stamp::Yearless(12, 26, noon), 15),
            ("Dec  2 12:00:00 LW", Stamp::Yearless(12, 2, noon), 15),
            ("Feb 29 12:00:00", Stamp::Yearless(2, 29, noon), 15),
            ("12:00:00 - x", Stamp::OfDay(noon), 8),
            ("12:00:00,5 x", Stamp::OfDay(noon + 500_000), 10),
            ("12:00:00. x", Stamp::OfDay(noon), 8),
        ] {
            assert_eq!(Stamp::parse(text.as_bytes()), Some((stamp, length)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2",
            "2025-12-02",
            "2025-13-02 12:00:00",
            "2025-02-29 12:00:00",
            "2025-12-02 24:00:00",
            "2025-12-02x12:00:00",
            "Dec 32 12:00:00",
            "Feb 30 12:00:00",
            "Dec12:00:00",
            "Dece 1 12:00:00",
            "12:60:00",
            "12:00:000",
            "1:00:00",
            "12-00-00",
            "Syncing",
        ] {
            assert_eq!(Stamp::parse(text.as_bytes()), None, "{text}");
        }
    }
}
