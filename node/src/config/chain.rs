//! `[chain]`
use serde::Deserialize;

use super::value::parsed;
use crate::chain::{Hash, Height};

/// `[chain]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chain {
    /// Hashes at and below the latest of them never change (D-26). Ascending.
    #[serde(deserialize_with = "checkpoints")]
    pub checkpoints: Vec<(Height, Hash)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Checkpoint {
    height: Height,
    #[serde(deserialize_with = "parsed")]
    hash: Hash,
}

fn checkpoints<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<(Height, Hash)>, D::Error> {
    let mut all: Vec<_> = Vec::<Checkpoint>::deserialize(from)?
        .into_iter()
        .map(|checkpoint| (checkpoint.height, checkpoint.hash))
        .collect();
    all.sort_unstable();
    all.dedup();
    match all.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(serde::de::Error::custom(format!("two hashes for height {}", pair[0].0))),
        None => Ok(all),
    }
}
