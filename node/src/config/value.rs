//! Values with a range, checked while the file is read, so that an error shows its place.
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error};

/// The longest interval, a day in seconds (D-26).
const LONGEST: u64 = 86_400;

/// A whole number from `MIN` to `MAX`.
pub(super) fn bounded<'de, D, T, const MIN: u64, const MAX: u64>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let value = i64::deserialize(from)?;
    u64::try_from(value)
        .ok()
        .filter(|value| (MIN..=MAX).contains(value))
        .and_then(|value| T::try_from(value).ok())
        .ok_or_else(|| D::Error::custom(format!("{value} is not in {MIN} to {MAX}")))
}

/// An interval in whole seconds, 1 to 86,400 (D-26).
pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    bounded::<D, u64, 1, LONGEST>(from).map(Duration::from_secs)
}

/// A string that `T` reads.
pub(super) fn parsed<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(from)?;
    text.parse().map_err(|error| D::Error::custom(format!("`{text}`: {error}")))
}
