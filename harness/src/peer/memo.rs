//! Chains that scenarios of one process have in common.
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use node::chain::{BuiltChain, Hash, Height};

/// What one chain of any length is made from. The ancestor's hash stands for everything below it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    ancestor: Hash,
    long: bool,
    seed: u64,
    lower_than: Option<(Height, Hash)>,
    padding: usize,
}

impl Key {
    /// Above the block `ancestor`, with blocks 60 s apart where `long`, from the builder's `seed`, and with a hash below
    /// that in `lower_than` at the height there.
    pub fn new(ancestor: Hash, long: bool, seed: u64, lower_than: Option<(Height, Hash)>) -> Self {
        Self { ancestor, long, seed, lower_than, padding: 0 }
    }

    /// With so many zeros in each block.
    pub fn padded(self, padding: usize) -> Self {
        Self { padding, ..self }
    }
}

/// The longest chain made so far from each key. Shorter ones are its prefixes.
static BUILT: Mutex<BTreeMap<Key, BuiltChain>> = Mutex::new(BTreeMap::new());

/// The chain of `key` at least up to `height`, by `make` where none so long is there yet.
pub fn built(key: Key, height: Height, make: impl FnOnce(Height) -> BuiltChain) -> BuiltChain {
    // Locked while building, so that scenarios which start at once don't all build the same.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(chain) = built.get(&key).filter(|chain| chain.tip().height >= height) {
        return chain.clone();
    }
    let chain = make(height);
    built.insert(key, chain.clone());
    chain
}
