//! Values with a unit, as they are written in a scenario file.
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::yaml::{Place, Spanned};

/// A text that is parsed: its deserialisation, and its schema with pattern and description.
macro_rules! written {
    ($type:ident, $parse:path, $pattern:literal, $description:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }

        schema!($type, $pattern, $description);
    };
}

macro_rules! schema {
    ($type:ident, $pattern:literal, $description:literal) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $description })
            }
        }
    };
}

/// A duration of 0 ms to 365 days, with its unit: `250ms`, `60s`, `2m30s`, `1h`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);
written!(Span, span, r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$", "A duration with its unit: 250ms, 60s, 2m30s, 1h.");

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", humantime::format_duration(self.0))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        span(text)
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

/// A signed duration in milliseconds: `-1h`, `+500ms`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock(pub i64);
written!(Clock, clock, r"^[+-]?([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$", "A signed duration with its unit: -1h, 500ms.");

/// Bytes a second, at least 1: `20kB/s`, `1.5MB/s` (powers of 1000).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(pub u64);
written!(Rate, rate, r"^[0-9]+(\.[0-9]+)?(B|kB|MB)/s$", "Bytes a second: 500B/s, 20kB/s, 1MB/s.");

/// A share between 0 and 1, written as `0%` to `100%`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(pub f64);
written!(Share, share, r"^[0-9]+(\.[0-9]+)?%$", "A share of 0% to 100%.");

/// A place on a chain: `main@1000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainAt {
    /// The chain's name.
    pub chain: String,
    /// The height.
    pub height: u64,
}
written!(ChainAt, chain_at, r"^[a-z][a-z0-9_-]{0,31}@[0-9]+$", "A place on a chain: main@1000.");

/// A key that names something, with its place: a small letter, then small letters, digits, `_` and `-`.
#[derive(Debug, Clone)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, place } = Spanned::<String>::deserialize(deserializer)?;
        name(&value).map_err(de::Error::custom)?;
        Ok(Self { text: value, place })
    }
}
schema!(Name, "^[a-z][a-z0-9_-]{0,31}$", "A name: a small letter, then small letters, digits, _ and -.");

/// Whether a node or a peer can have this address.
pub fn usable(ip: Ipv4Addr) -> bool {
    let ends = [0, 255].contains(&ip.octets()[3]);
    !(ends || ip.is_loopback() || ip.is_multicast() || ip.octets()[0] == 0 || ip.octets()[0] >= 240)
}

/// Words that stand for parties, or for sources of observations, and so cannot name one.
pub const KEYWORDS: [&str; 9] =
    ["all", "nodes", "peers", "masternodes", "minority", "majority", "others", "any", "harness"];

const LONGEST: Duration = Duration::from_secs(365 * 86_400);
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

fn span(text: &str) -> Result<Span, String> {
    milliseconds(text).map(|ms| Span(Duration::from_millis(ms)))
}

fn clock(text: &str) -> Result<Clock, String> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let ms = milliseconds(rest)?;
    Ok(Clock(sign * i64::try_from(ms).map_err(|_| too_long(text))?))
}

/// Sums parts like `2m` and `30s`.
fn milliseconds(text: &str) -> Result<u64, String> {
    let (mut total, mut rest) = (0.0, text);
    loop {
        let (number, after) =
            number(rest).ok_or_else(|| format!("`{text}` is no duration: write 250ms, 60s, 2m30s or 1h"))?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, tail) = after.split_at(end);
        if unit.is_empty() {
            return Err(format!("`{text}` has no unit: write {text}s for seconds (units: ms, s, m, h, d)"));
        }
        let Some((_, factor)) = UNITS.iter().find(|(known, _)| *known == unit) else {
            let meant = UNITS.iter().find(|(known, _)| unit.to_lowercase().starts_with(known));
            let hint = meant.map(|(near, _)| format!(", did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("`{unit}` in `{text}` is no unit of time{hint} (units: ms, s, m, h, d)"));
        };
        total += number * *factor as f64;
        if total > LONGEST.as_millis() as f64 {
            return Err(too_long(text));
        }
        if tail.is_empty() {
            // In range: checked above.
            return Ok(total.round() as u64);
        }
        rest = tail;
    }
}

fn too_long(text: &str) -> String {
    format!("`{text}` is longer than 365d")
}

fn rate(text: &str) -> Result<Rate, String> {
    let wrong = || format!("`{text}` is no rate: write 500B/s, 20kB/s or 1MB/s");
    let (number, unit) = number(text).ok_or_else(wrong)?;
    let factor = match unit {
        "B/s" => 1.0,
        "kB/s" => 1e3,
        "MB/s" => 1e6,
        "" => {
            return Err(format!("`{text}` has no unit: write 500B/s, 20kB/s or 1MB/s"));
        }
        _ => return Err(wrong()),
    };
    let bytes = (number * factor).round();
    if !(1.0..=1e12).contains(&bytes) {
        return Err(format!("`{text}` is not between 1B/s and 1000000MB/s"));
    }
    Ok(Rate(bytes as u64))
}

fn share(text: &str) -> Result<Share, String> {
    let (number, unit) = number(text).ok_or_else(|| format!("`{text}` is no share: write 5%"))?;
    match unit {
        "%" if number <= 100.0 => Ok(Share(number / 100.0)),
        "%" => Err(format!("`{text}` is more than 100%")),
        "" => Err(format!("`{text}` has no unit: write a share of 0% to 100%")),
        _ => Err(format!("`{text}` is no share: write 0% to 100%")),
    }
}

fn chain_at(text: &str) -> Result<ChainAt, String> {
    let wrong = || format!("`{text}` is no place on a chain: write main@1000");
    let (chain, height) = text.split_once('@').ok_or_else(wrong)?;
    name(chain)?;
    if height.is_empty() || !height.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    // Too many digits: above every limit, said where the limit is known.
    Ok(ChainAt { chain: chain.to_owned(), height: height.parse().unwrap_or(u64::MAX) })
}

fn name(text: &str) -> Result<(), String> {
    let fits =
        |(i, c): (usize, char)| c.is_ascii_lowercase() || (i > 0 && (c.is_ascii_digit() || c == '_' || c == '-'));
    if text.is_empty() || text.len() > 32 || !text.chars().enumerate().all(fits) {
        return Err(format!("`{text}` is no name: a small letter, then small letters, digits, _ and -, 32 at most"));
    }
    Ok(())
}

/// The number that `text` begins with, and the rest.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.starts_with('.') || digits.ends_with('.') {
        return None;
    }
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(span("2m30s").map(|s| s.0), Ok(Duration::from_secs(150)));
        assert_eq!(span("0.5s").map(|s| s.0), Ok(Duration::from_millis(500)));
        assert_eq!(clock("-1h"), Ok(Clock(-3_600_000)));
        for wrong in ["", "60", "s", "1.s", "-1s", "60sec", "1s 2s", "1e3s", "999999999999999d", "é", "1é"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_and_shares_have_units_and_limits() {
        assert_eq!(rate("20kB/s"), Ok(Rate(20_000)));
        assert_eq!(share("0.5%"), Ok(Share(0.005)));
        for wrong in ["20", "20kb/s", "0B/s", "99999999999999MB/s"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
        for wrong in ["5", "101%", "-1%", "5 %"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn places_are_a_chain_and_a_height() {
        assert_eq!(chain_at("main@1000"), Ok(ChainAt { chain: "main".into(), height: 1000 }));
        for wrong in ["main", "@1", "main@", "main@-1", "Main@1", "main@1x", "a@b@1"] {
            assert!(chain_at(wrong).is_err(), "{wrong}");
        }
    }
}
