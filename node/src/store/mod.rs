//! Where the chain lives.
mod memory;

pub use memory::MemoryStore;

use std::future::Future;
use std::pin::Pin;

use crate::chain::{ChainView, Height, SealedBlock};

/// One atomic change. After the future of [`Store::commit`] is ready, it is durable; before, it is wholly there or not at all.
#[derive(Debug, Clone)]
pub enum Write {
    /// Append to the tip; the blocks link to it and to each other.
    Append(Vec<SealedBlock>),
    /// Append to the staged branch, which is kept beside the chain until it is switched to or dropped.
    Stage(Vec<SealedBlock>),
    /// Make the staged branch the chain above `ancestor`.
    Switch {
        /// The last block that both hold.
        ancestor: Height,
    },
    /// Drop the staged branch.
    Discard,
}

/// A write that did not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The medium refused.
    #[error("store write failed: {0}")]
    Failed(String),
}

/// The result of [`Store::commit`].
pub type Commit<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// A chain that can be read at any time and written one atomic change at a time.
pub trait Store: ChainView + Send + Sync + 'static {
    /// Applies `write`; at most one is under way.
    fn commit(&self, write: Write) -> Commit<'_>;
}
