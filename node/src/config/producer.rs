//! `[producer]`
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error};

use super::value::{bounded, seconds};
use crate::chain::BLOCK_INTERVAL;

/// `[producer]`: whether and when the node makes blocks (D-14).
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Producer {
    /// Off by default.
    pub enabled: bool,
    /// Between two blocks; 1 s to a day.
    #[serde(deserialize_with = "seconds")]
    pub interval: Duration,
    /// Which of the slots is ours; below `slots`.
    pub slot: u64,
    /// How many producers take turns; 1 to 1,000.
    #[serde(deserialize_with = "bounded::<_, _, 1, 1_000>")]
    pub slots: u64,
    /// Whether the height that the time since genesis asks for counts, too.
    pub time_based: bool,
}

impl Default for Producer {
    fn default() -> Self {
        Self {
            enabled: false,
            interval: Duration::from_secs(BLOCK_INTERVAL.unsigned_abs()),
            slot: 0,
            slots: 1,
            time_based: false,
        }
    }
}

/// Reads the table and checks its keys against each other.
pub(super) fn producer<'de, D: Deserializer<'de>>(from: D) -> Result<Producer, D::Error> {
    let producer = Producer::deserialize(from)?;
    if producer.slot < producer.slots {
        Ok(producer)
    } else {
        Err(D::Error::custom(format!("slot {} of {} slots: the first is 0", producer.slot, producer.slots)))
    }
}
