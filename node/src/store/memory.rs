//! A chain that is forgotten at exit, and a store of it.
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::linked::linked;
use super::{Commit, Store, StoreError, Write};
use crate::chain::{ChainView, Hash, Height, SealedBlock, Tip};

/// A chain in memory, and the branch beside it.
#[derive(Debug, Clone)]
pub struct MemoryChain {
    /// By height; never empty.
    blocks: Vec<SealedBlock>,
    /// Empty, or linked to a block of the chain.
    staged: Vec<SealedBlock>,
}

/// A [`MemoryChain`] as a store; a write is done when [`Store::commit`] returns.
#[derive(Debug)]
pub struct MemoryStore(Mutex<MemoryChain>);

impl MemoryChain {
    /// A chain of one block, whose height is 0.
    pub fn new(genesis: SealedBlock) -> Self {
        Self { blocks: vec![genesis], staged: Vec::new() }
    }

    /// A chain of `blocks`, the genesis first.
    ///
    /// # Errors
    /// Where there is no block, or one doesn't link to the one before.
    pub fn with_blocks(blocks: impl IntoIterator<Item = SealedBlock>) -> Result<Self, StoreError> {
        let mut blocks = blocks.into_iter();
        let genesis = blocks.next().ok_or_else(|| failed("a chain needs a genesis"))?;
        let mut chain = Self::new(genesis);
        chain.apply(Write::Append(blocks.collect()))?;
        Ok(chain)
    }

    /// Applies a write, or nothing of it.
    ///
    /// # Errors
    /// Where a block does not link, or no branch is there to switch to.
    pub fn apply(&mut self, write: Write) -> Result<(), StoreError> {
        let Self { blocks, staged } = self;
        match write {
            Write::Append(new) => {
                linked(blocks.last().map(link), &new)?;
                blocks.extend(new);
            }
            Write::Stage(new) => {
                linked(staged.last().or_else(|| parent_of(blocks, &new)).map(link), &new)?;
                staged.extend(new);
            }
            Write::Switch { ancestor } => {
                let parent = parent_of(blocks, staged).filter(|parent| parent.height() == ancestor);
                let keep = parent
                    .and_then(|_| usize::try_from(ancestor).ok()?.checked_add(1))
                    .ok_or_else(|| failed(&format!("no staged branch above {ancestor}")))?;
                linked(blocks.get(keep - 1).map(link), staged)?;
                blocks.truncate(keep);
                blocks.append(staged);
            }
            Write::Discard => staged.clear(),
        }
        Ok(())
    }
}

impl MemoryStore {
    /// As [`MemoryChain::new`].
    pub fn new(genesis: SealedBlock) -> Self {
        Self(Mutex::new(MemoryChain::new(genesis)))
    }

    /// As [`MemoryChain::with_blocks`].
    ///
    /// # Errors
    /// As there.
    pub fn with_blocks(blocks: impl IntoIterator<Item = SealedBlock>) -> Result<Self, StoreError> {
        MemoryChain::with_blocks(blocks).map(|chain| Self(Mutex::new(chain)))
    }

    /// Bytes of compact JSON of the staged branch.
    pub fn staged_bytes(&self) -> usize {
        self.chain().staged.iter().map(SealedBlock::json_len).sum()
    }

    fn chain(&self) -> MutexGuard<'_, MemoryChain> {
        // No write panics half way, so a poisoned state is a whole one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The block of the chain below the first of `branch`.
fn parent_of<'a>(blocks: &'a [SealedBlock], branch: &[SealedBlock]) -> Option<&'a SealedBlock> {
    let below = branch.first()?.height().checked_sub(1)?;
    blocks.get(usize::try_from(below).ok()?)
}

fn link(block: &SealedBlock) -> (Height, Hash) {
    (block.height(), block.hash())
}

fn failed(reason: &str) -> StoreError {
    StoreError::Failed(reason.to_owned())
}

impl ChainView for MemoryChain {
    fn tip(&self) -> Tip {
        self.blocks.last().expect("a chain has a genesis").tip()
    }

    fn hash_at(&self, h: Height) -> Option<Hash> {
        self.blocks.get(usize::try_from(h).ok()?).map(SealedBlock::hash)
    }

    fn block_at(&self, h: Height) -> Option<SealedBlock> {
        self.blocks.get(usize::try_from(h).ok()?).cloned()
    }

    fn staged_tip(&self) -> Option<Tip> {
        self.staged.last().map(SealedBlock::tip)
    }
}

impl ChainView for MemoryStore {
    fn tip(&self) -> Tip {
        self.chain().tip()
    }

    fn hash_at(&self, h: Height) -> Option<Hash> {
        self.chain().hash_at(h)
    }

    fn block_at(&self, h: Height) -> Option<SealedBlock> {
        self.chain().block_at(h)
    }

    fn staged_tip(&self) -> Option<Tip> {
        self.chain().staged_tip()
    }
}

impl Store for MemoryStore {
    fn commit(&self, write: Write) -> Commit<'_> {
        Box::pin(std::future::ready(self.chain().apply(write)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{BuiltChain, TipRule, testnet};

    fn blocks(chain: &BuiltChain, from: Height, to: Height) -> Vec<SealedBlock> {
        chain.upto(to).skip(from as usize).collect()
    }

    fn holds(store: &MemoryStore, chain: &BuiltChain) -> bool {
        store.tip() == chain.tip() && (0..=chain.tip().height).all(|h| store.block_at(h) == chain.block(h))
    }

    #[tokio::test]
    async fn appends_what_links_and_refuses_the_rest_whole() {
        let chain = BuiltChain::new(testnet(), 1, 10);
        let store = MemoryStore::new(testnet());
        store.commit(Write::Append(blocks(&chain, 1, 5))).await.unwrap();
        assert_eq!(store.tip(), chain.block(5).unwrap().tip());
        assert_eq!(store.hash_at(5), Some(chain.block(5).unwrap().hash()));
        assert_eq!((store.hash_at(6), store.block_at(u64::MAX)), (None, None));

        let other = BuiltChain::new(testnet(), 2, 10);
        let mut half = blocks(&chain, 6, 7);
        half.extend(blocks(&other, 8, 8));
        for wrong in [blocks(&chain, 7, 8), blocks(&chain, 5, 6), blocks(&other, 6, 7), half] {
            store.commit(Write::Append(wrong)).await.unwrap_err();
            assert_eq!(store.tip().height, 5);
        }
        store.commit(Write::Append(Vec::new())).await.unwrap();
        store.commit(Write::Append(blocks(&chain, 6, 10))).await.unwrap();
        assert!(holds(&store, &chain));
    }

    #[tokio::test]
    async fn stages_a_branch_and_switches_to_it() {
        let chain = BuiltChain::new(testnet(), 1, 10);
        let fork = chain.fork(4, 2, 9, TipRule::Any);
        let store = MemoryStore::with_blocks(chain.upto(10)).unwrap();
        assert!(holds(&store, &chain));

        store.commit(Write::Stage(blocks(&fork, 5, 6))).await.unwrap();
        store.commit(Write::Stage(blocks(&fork, 8, 9))).await.unwrap_err();
        store.commit(Write::Stage(blocks(&fork, 7, 9))).await.unwrap();
        assert_eq!(store.staged_tip(), Some(fork.tip()));
        let bytes: usize = blocks(&fork, 5, 9).iter().map(SealedBlock::json_len).sum();
        assert_eq!(store.staged_bytes(), bytes);
        assert!(holds(&store, &chain));

        for ancestor in [3, 5, u64::MAX] {
            store.commit(Write::Switch { ancestor }).await.unwrap_err();
        }
        assert!(holds(&store, &chain));
        store.commit(Write::Switch { ancestor: 4 }).await.unwrap();
        assert!(holds(&store, &fork));
        assert_eq!((store.staged_tip(), store.staged_bytes()), (None, 0));
        store.commit(Write::Switch { ancestor: 4 }).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_discarded_branch_is_gone() {
        let chain = BuiltChain::new(testnet(), 1, 10);
        let store = MemoryStore::with_blocks(chain.upto(5)).unwrap();
        store.commit(Write::Stage(blocks(&chain.fork(2, 2, 9, TipRule::Any), 3, 9))).await.unwrap();
        store.commit(Write::Discard).await.unwrap();
        assert_eq!(store.staged_tip(), None);
        store.commit(Write::Switch { ancestor: 2 }).await.unwrap_err();
        store.commit(Write::Stage(blocks(&chain, 7, 8))).await.unwrap_err();
        assert_eq!(store.staged_tip(), None);
    }

    #[test]
    fn a_chain_that_does_not_link_is_no_chain() {
        let chain = BuiltChain::new(testnet(), 1, 10);
        assert!(MemoryStore::with_blocks([]).is_err());
        assert!(MemoryStore::with_blocks(chain.upto(5).filter(|b| b.height() != 3)).is_err());
    }
}
