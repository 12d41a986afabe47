//! Deterministic chains and forks: the same genesis, seed and heights always give the same blocks.
use std::sync::Arc;

use super::{
    BLOCK_INTERVAL, BLOCK_REWARD, Block, ChainView, Hash, Header, Height, Input, Json, OutPoint, Output, SealedBlock,
    Tiers, Tip, Transaction, merkle_root,
};

/// The highest chain whose blocks are [`BLOCK_INTERVAL`] apart (D-30).
const LONG_CHAIN: Height = 20_000;

/// Seconds between the blocks of a longer one, so that it ends before simulated time starts (D-30).
const LONG_CHAIN_INTERVAL: i64 = 60;

/// Salts tried for one block. Against a random hash, one such search in a million fails.
const MAX_SALTS: u64 = 1_000_000;

/// Who leads built blocks and is paid for them.
const LEADER: &str = "10.77.0.1";

/// The block after `parent`, like the real ones: `leader` gets the reward of 100 TIME by a distribution transaction.
///
/// `timestamp` is in seconds since 1970; `salt` is any number and tells siblings apart. The block passes
/// [`check`](super::check) where its timestamp does and `parent` isn't at `u64::MAX`.
pub fn next_block(parent: &Tip, timestamp: i64, leader: &str, salt: u64) -> SealedBlock {
    padded_block(parent, timestamp, leader, salt, 0)
}

/// As [`next_block`], with so many more zeros in its distribution's script.
fn padded_block(parent: &Tip, timestamp: i64, leader: &str, salt: u64, padding: usize) -> SealedBlock {
    let height = parent.height.saturating_add(1);
    let pay = |script_pubkey: Vec<u8>| vec![Output { value: BLOCK_REWARD, script_pubkey }];
    let transaction = |inputs, outputs| Transaction { version: 1, inputs, outputs, lock_time: 0, timestamp };
    let coinbase = transaction(Vec::new(), pay([b"BLOCK_REWARD_", &height.to_le_bytes()[..]].concat()));
    let spent = Input {
        previous_output: OutPoint { txid: coinbase.txid(), vout: 0 },
        script_sig: [&salt.to_le_bytes()[..], &vec![0; padding]].concat(),
        sequence: u32::MAX,
    };
    let distribution = transaction(vec![spent], pay(leader.into()));
    let coinbase_id = distribution.inputs[0].previous_output.txid;
    SealedBlock::new(Block {
        header: Header {
            version: 1,
            height,
            previous_hash: parent.hash,
            merkle_root: merkle_root(&[coinbase_id, distribution.txid()]),
            timestamp,
            block_reward: BLOCK_REWARD,
            leader: leader.to_owned(),
            attestation_root: Hash::ZERO,
            masternode_tiers: Tiers { free: 1, ..Tiers::default() },
        },
        transactions: vec![coinbase, distribution],
        masternode_rewards: vec![(leader.to_owned(), BLOCK_REWARD)],
        time_attestations: Json::empty_list(),
    })
}

/// How a fork's tip hash compares, which decides between branches of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TipRule {
    /// As it comes.
    Any,
    /// Below this hash.
    LowerThan(Hash),
    /// Above this hash.
    HigherThan(Hash),
}

impl TipRule {
    fn accepts(self, tip: Hash) -> bool {
        match self {
            Self::Any => true,
            Self::LowerThan(other) => tip < other,
            Self::HigherThan(other) => tip > other,
        }
    }
}

/// A finished chain. A clone shares it, and a fork shares the blocks below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltChain {
    /// Never empty.
    blocks: Arc<[SealedBlock]>,
    /// Seconds between blocks.
    interval: i64,
    /// Zeros in each further block's script.
    padding: usize,
}

impl BuiltChain {
    /// A chain from `genesis` (its height must be 0) to `height`, each block valid after the one before.
    ///
    /// Blocks are 600 s apart, and 60 s where `height` is over 20,000 (D-30). A shorter chain of the same seed is a
    /// prefix of a longer one of the same spacing.
    pub fn new(genesis: SealedBlock, seed: u64, height: Height) -> Self {
        let interval = if height > LONG_CHAIN { LONG_CHAIN_INTERVAL } else { BLOCK_INTERVAL };
        let genesis = Self { blocks: Arc::new([genesis]), interval, padding: 0 };
        genesis.extended(0, salt_base(seed, 0), height, TipRule::Any)
    }

    /// A chain that shares the blocks up to `at` and none above, to `height`, with this chain's spacing.
    ///
    /// `at` above our tip means our tip. Where `height` isn't above `at` there is nothing to build, and `tip` is ignored.
    ///
    /// # Panics
    /// Where a million tries don't find a last block as `tip` asks: only for hashes next to all zeros or all ones.
    pub fn fork(&self, at: Height, seed: u64, height: Height, tip: TipRule) -> Self {
        let at = at.min(self.tip().height);
        // Salted with `at`, so that forks at different heights differ also by one seed.
        self.extended(at, salt_base(seed, at.saturating_add(1)), height, tip)
    }

    /// The same chain, to whose forks each block adds so many zeros, for blocks that are large on the wire.
    pub fn padded(&self, padding: usize) -> Self {
        Self { padding, ..self.clone() }
    }

    /// How many blocks, the genesis included.
    #[expect(clippy::len_without_is_empty, reason = "a chain has at least its genesis")]
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// The highest block.
    pub fn tip(&self) -> Tip {
        self.blocks[self.blocks.len() - 1].tip()
    }

    /// The block at `h`, or `None` above the tip.
    pub fn block(&self, h: Height) -> Option<SealedBlock> {
        self.blocks.get(usize::try_from(h).ok()?).cloned()
    }

    /// The blocks from the genesis to `h`, or to the tip where that is lower.
    pub fn upto(&self, h: Height) -> impl Iterator<Item = SealedBlock> + use<'_> {
        let count = usize::try_from(h).unwrap_or(usize::MAX).saturating_add(1);
        self.blocks.iter().take(count).cloned()
    }

    fn extended(&self, at: Height, base: u64, height: Height, rule: TipRule) -> Self {
        let mut blocks: Vec<SealedBlock> = self.upto(at.min(height)).collect();
        for h in at.saturating_add(1)..=height {
            let parent = blocks[blocks.len() - 1].tip();
            let timestamp = parent.timestamp.saturating_add(self.interval);
            let sibling = self.hash_at(h);
            let salt = mix(base ^ h);
            let block = (0..MAX_SALTS)
                .map(|n| padded_block(&parent, timestamp, LEADER, salt.wrapping_add(n), self.padding))
                .find(|b| Some(b.hash()) != sibling && (h < height || rule.accepts(b.hash())))
                .unwrap_or_else(|| panic!("no block {h} with a tip hash {rule:?}"));
            blocks.push(block);
        }
        Self { blocks: blocks.into(), ..*self }
    }
}

impl ChainView for BuiltChain {
    fn tip(&self) -> Tip {
        self.tip()
    }

    fn hash_at(&self, h: Height) -> Option<Hash> {
        self.blocks.get(usize::try_from(h).ok()?).map(SealedBlock::hash)
    }

    fn block_at(&self, h: Height) -> Option<SealedBlock> {
        self.block(h)
    }

    fn staged_tip(&self) -> Option<Tip> {
        None
    }
}

fn salt_base(seed: u64, branch: u64) -> u64 {
    mix(mix(seed) ^ branch)
}

/// One step of SplitMix64: near seeds give unrelated salts.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{TESTNET_GENESIS_TIME, check, testnet};

    fn chain(seed: u64, height: Height) -> BuiltChain {
        BuiltChain::new(testnet(), seed, height)
    }

    fn assert_valid(chain: &BuiltChain) {
        let blocks: Vec<SealedBlock> = chain.upto(u64::MAX).collect();
        for pair in blocks.windows(2) {
            check(&pair[0].tip(), &pair[1], pair[1].timestamp()).unwrap();
        }
    }

    /// How many blocks two chains share.
    fn shared(a: &BuiltChain, b: &BuiltChain) -> usize {
        a.upto(u64::MAX).zip(b.upto(u64::MAX)).take_while(|(x, y)| x == y).count()
    }

    #[test]
    fn chains_are_deterministic_valid_and_like_the_real_one() {
        let built = chain(1, 300);
        assert_eq!(built, chain(1, 300));
        assert_valid(&built);
        assert_eq!((built.len(), built.tip().height), (301, 300));
        assert_eq!(built.tip().timestamp, TESTNET_GENESIS_TIME + 300 * 600);
        assert_eq!(built.block(300).unwrap().tip(), built.tip());
        assert_eq!(built.block(301), None);
        assert_eq!(built.upto(7).last(), built.block(7));
        let mean = built.upto(300).skip(1).map(|b| b.json_len()).sum::<usize>() / 300;
        assert!((1_050..1_150).contains(&mean), "{mean} bytes");
    }

    #[test]
    fn shorter_chains_are_prefixes_and_other_seeds_share_only_the_genesis() {
        assert_eq!(shared(&chain(1, 50), &chain(1, 80)), 51);
        assert_eq!(shared(&chain(1, 50), &chain(2, 50)), 1);
        assert_eq!(chain(9, 0).len(), 1);
    }

    #[test]
    fn the_hash_of_a_built_chain_stays_what_it_was() {
        // A change here changes every recorded run.
        assert_eq!(
            chain(42, 10).tip().hash.to_string(),
            "6a73ab8bf35fd8eed5b5d96d9d2524e50524d60056a6e5d5557969332b41b0e7"
        );
    }

    #[test]
    fn long_chains_are_60_seconds_apart() {
        let built = chain(1, 20_001);
        assert_eq!(built.tip().timestamp, TESTNET_GENESIS_TIME + 20_001 * 60);
        assert_eq!(built.fork(20_000, 2, 20_001, TipRule::Any).tip().timestamp, built.tip().timestamp);
    }

    #[test]
    fn padded_forks_are_valid_and_longer_by_two_bytes_a_zero() {
        let base = chain(1, 20);
        let long = |padding| {
            let fork = base.padded(padding).fork(10, 2, 20, TipRule::Any);
            assert_valid(&fork);
            fork.block(20).unwrap().json_len()
        };
        // The block is otherwise of about 1,100 bytes, with numbers that differ in length.
        assert!((1_900..2_100).contains(&(long(1_000) - long(0))), "{}, {}", long(1_000), long(0));
    }

    #[test]
    fn forks_share_exactly_the_blocks_up_to_their_ancestor() {
        let base = chain(1, 100);
        for (at, height) in [(0, 100), (40, 60), (40, 140), (99, 100), (100, 120)] {
            let fork = base.fork(at, 1, height, TipRule::Any);
            assert_valid(&fork);
            assert_eq!(fork, base.fork(at, 1, height, TipRule::Any));
            assert_eq!(fork.tip().height, height);
            assert_eq!(shared(&base, &fork) as u64, at + 1);
            // Even a fork that repeats another's seed and ancestor.
            let again = fork.fork(at, 1, height, TipRule::Any);
            assert_eq!(shared(&fork, &again) as u64, at + 1);
        }
        assert_eq!(shared(&base.fork(40, 1, 60, TipRule::Any), &base.fork(40, 2, 60, TipRule::Any)), 41);
        assert_eq!(base.fork(50, 1, 30, TipRule::Any).tip(), base.block(30).unwrap().tip());
        assert_eq!(base.fork(500, 1, 101, TipRule::Any).block(100), base.block(100));
    }

    #[test]
    fn the_tip_rule_grinds_the_last_block_only() {
        let base = chain(1, 20);
        let tip = base.tip().hash;
        let any = base.fork(10, 3, 20, TipRule::Any);
        let lower = base.fork(10, 3, 20, TipRule::LowerThan(tip));
        let higher = base.fork(10, 3, 20, TipRule::HigherThan(tip));
        assert!(lower.tip().hash < tip && tip < higher.tip().hash);
        for fork in [&lower, &higher] {
            assert_valid(fork);
            assert!(shared(fork, &any) >= 20);
        }
    }
}
