//! Reading a chain.
use super::{Hash, Height, SealedBlock};

/// The last block of a chain, as far as the next one needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// The tip's height.
    pub height: Height,
    /// The tip's hash.
    pub hash: Hash,
    /// The tip's time in seconds since 1970.
    pub timestamp: i64,
}

/// The only reads the core makes. A chain always has a genesis.
pub trait ChainView {
    /// The highest block.
    fn tip(&self) -> Tip;

    /// The hash at `h`, or `None` above the tip.
    fn hash_at(&self, h: Height) -> Option<Hash>;

    /// The block at `h`, or `None` above the tip.
    fn block_at(&self, h: Height) -> Option<SealedBlock>;

    /// The tip of the branch that is kept beside the chain, where there is one.
    fn staged_tip(&self) -> Option<Tip>;
}
