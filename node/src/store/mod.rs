//! Where the chain lives.
mod linked;
mod memory;
pub mod redb;

pub use crate::chain::Write;
pub use memory::{MemoryChain, MemoryStore};
pub use redb::RedbStore;

use std::future::Future;
use std::pin::Pin;

use crate::chain::ChainView;

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
    /// Applies `write`; at most one is under way. After the future is ready it is durable; before, it is wholly there or not at all.
    fn commit(&self, write: Write) -> Commit<'_>;
}
