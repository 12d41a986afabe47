//! The disk of a simulated node: it outlives the process, and what it took is seen by the harness.
use std::sync::Arc;
use std::time::Duration;

use node::chain::{ChainView, Hash, Height, SealedBlock, Tip, Write, check};
use node::store::{Commit, MemoryStore, Store, StoreError};

/// Takes what a chain became: ancestor, height, tip, and what is wrong with it.
pub type Seen = Arc<dyn Fn(Height, Tip, Option<String>) + Send + Sync>;

/// A memory store with a disk's latency. A write that the process did not live to see acknowledged is lost, a power loss or not.
pub struct SimStore {
    chain: MemoryStore,
    latency: Duration,
    seen: Seen,
}

impl SimStore {
    /// A disk that holds `chain`.
    pub fn new(chain: MemoryStore, latency: Duration, seen: Seen) -> Self {
        Self { chain, latency, seen }
    }

    /// Says what the chain is above `ancestor`; checks it anew, by nothing that the node said.
    pub fn tell(&self, ancestor: Height) {
        (self.seen)(ancestor, self.chain.tip(), broken(&self.chain, ancestor));
    }
}

/// The first block above `ancestor` that does not continue the chain, and why not.
pub(super) fn broken(chain: &impl ChainView, ancestor: Height) -> Option<String> {
    let broken = |height: Height| {
        let (Some(parent), Some(block)) = (chain.block_at(height), chain.block_at(height + 1)) else {
            return Some("missing".into());
        };
        // The node's clock may have been ahead when it took the block: only the order of times is checked.
        check(&parent.tip(), &block, block.timestamp()).err().map(|error| error.to_string())
    };
    (ancestor..chain.tip().height).find_map(|height| broken(height).map(|why| format!("block {}: {why}", height + 1)))
}

impl ChainView for SimStore {
    fn tip(&self) -> Tip {
        self.chain.tip()
    }

    fn hash_at(&self, height: Height) -> Option<Hash> {
        self.chain.hash_at(height)
    }

    fn block_at(&self, height: Height) -> Option<SealedBlock> {
        self.chain.block_at(height)
    }

    fn staged_tip(&self) -> Option<Tip> {
        self.chain.staged_tip()
    }
}

impl Store for SimStore {
    fn commit(&self, write: Write) -> Commit<'_> {
        Box::pin(async move {
            if !self.latency.is_zero() {
                tokio::time::sleep(self.latency).await;
            }
            let ancestor = match &write {
                Write::Append(_) => Some(self.chain.tip().height),
                Write::Switch { ancestor } => Some(*ancestor),
                Write::Stage(_) | Write::Discard => None,
            };
            self.chain.commit(write).await?;
            if let Some(ancestor) = ancestor {
                self.tell(ancestor);
            }
            Ok::<(), StoreError>(())
        })
    }
}
