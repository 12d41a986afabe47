//! What a scripted peer serves.
use node::chain::{BuiltChain, Hash, Height, SealedBlock};
use node::wire::MAX_LINE;

use super::chains::Chains;
use crate::scenario::resolved::At;

/// Blocks of an answer (wire protocol, Messages for sync).
const MOST_BLOCKS: usize = 500;

/// Bytes around the blocks of the longest list message, its line end included.
const ENVELOPE: usize = r#"{"BlockRangeResponse":[]}"#.len() + "\r\n".len();

/// A chain up to a height.
#[derive(Debug, Clone)]
pub struct Served {
    /// May be higher.
    chain: BuiltChain,
    height: Height,
    chains: Chains,
}

impl Served {
    /// The chain of `at` up to there.
    pub fn new(chains: &Chains, at: &At) -> Self {
        Self::of(chains.clone(), chains.whole(&at.chain), at.height)
    }

    /// A chain of another genesis, equally high.
    pub fn foreign(&self) -> Self {
        Self::of(self.chains.clone(), self.chains.foreign(self.height), self.height)
    }

    fn of(chains: Chains, chain: BuiltChain, height: Height) -> Self {
        let height = height.min(chain.tip().height);
        Self { chain, height, chains }
    }

    /// Its highest block's height.
    pub fn height(&self) -> Height {
        self.height
    }

    /// The block at `height`; `None` above its own.
    pub fn block(&self, height: Height) -> Option<SealedBlock> {
        self.chain.block(height).filter(|_| height <= self.height)
    }

    /// The hash at `height`; `None` above its own.
    pub fn hash(&self, height: Height) -> Option<Hash> {
        self.block(height).map(|block| block.hash())
    }

    /// The hash of the block at `height`, or of the highest one.
    pub fn hash_near(&self, height: Height) -> Hash {
        let near = self.chain.block(height.min(self.height));
        near.map_or(self.chain.tip().hash, |block| block.hash())
    }

    /// An honest answer: ascending from `start`, at most 500 blocks and 2,000,000 bytes; empty where there are none.
    pub fn range(&self, start: Height, end: Height) -> Vec<SealedBlock> {
        if start > end {
            return Vec::new();
        }
        let mut bytes = ENVELOPE;
        (start..=end.min(self.height))
            .take(MOST_BLOCKS)
            .map_while(|height| self.block(height))
            .take_while(|block| {
                bytes += self.chains.dialect().json_len(block) + ",".len();
                bytes <= MAX_LINE
            })
            .collect()
    }

    /// Blocks without a limit of their number, also above its own height; blocks that no chain of the scenario has are made.
    pub fn beyond(&self, start: Height, end: Height) -> Vec<SealedBlock> {
        if start > end {
            return Vec::new();
        }
        let chain = self.chains.longer(&self.chain, end);
        (start..=end).map_while(|height| chain.block(height)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::testing;

    fn served(height: Height) -> Served {
        Served::new(&testing::chains(), &testing::main_at(height))
    }

    fn heights(blocks: &[SealedBlock]) -> Vec<Height> {
        blocks.iter().map(|block| block.height()).collect()
    }

    #[test]
    fn ranges_are_cut_to_what_is_served_and_to_500() {
        let served = served(1_000);
        assert_eq!(served.range(3, 2), []);
        assert_eq!(served.range(1_001, u64::MAX), []);
        assert_eq!(heights(&served.range(998, u64::MAX)), [998, 999, 1_000]);
        let all = heights(&served.range(0, u64::MAX));
        assert_eq!(all, (0..500).collect::<Vec<_>>());
        assert_eq!(served.block(1_001), None);
        assert_eq!(served.hash_near(u64::MAX), served.hash(1_000).unwrap());
    }

    #[test]
    fn beyond_goes_on_above_the_served_and_the_built_height() {
        let served = served(1_000);
        let blocks = served.beyond(999, 1_250);
        assert_eq!(heights(&blocks), (999..=1_250).collect::<Vec<_>>());
        let main = testing::chains().whole("main");
        assert_eq!(main.block(1_200).as_ref(), blocks.get(201));
        assert!(blocks.windows(2).all(|pair| pair[1].previous_hash() == pair[0].hash()));
        assert_eq!(served.beyond(2, 1), []);
    }

    #[test]
    fn the_foreign_chain_shares_nothing() {
        let (ours, foreign) = (served(20), served(20).foreign());
        assert_eq!(foreign.height(), 20);
        assert!((0..=20).all(|h| ours.hash(h) != foreign.hash(h)));
    }
}
