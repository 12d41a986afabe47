//! Does this block extend that one? (wire protocol: Validity of a block)
use std::collections::BTreeSet;

use super::{BLOCK_REWARD, Block, Hash, Height, SealedBlock, Tip, Transaction, merkle_root};

/// Bytes of compact JSON a block may have (wire protocol: Validity of a block).
pub const MAX_BLOCK_JSON: usize = 1_000_000;

/// Seconds a block may be ahead of our clock (wire protocol: Validity of a block).
pub const MAX_CLOCK_LEAD: i64 = 900;

/// Why a block can't be appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Not the height after the parent's.
    #[error("height {height} does not follow {parent}")]
    Height {
        /// The block's.
        height: Height,
        /// The parent's.
        parent: Height,
    },
    /// Zeros, which only a genesis has.
    #[error("previous hash is zero above height 0")]
    ZeroPreviousHash,
    /// The block follows another parent: a fork, not a bad block.
    #[error("previous hash {} is not our {}", theirs.short(), ours.short())]
    PreviousHash {
        /// The parent the block names.
        theirs: Hash,
        /// The parent's hash.
        ours: Hash,
    },
    /// Over [`MAX_BLOCK_JSON`].
    #[error("{bytes} bytes of JSON are over the limit of {MAX_BLOCK_JSON}")]
    TooLarge {
        /// The block's.
        bytes: usize,
    },
    /// Not later than the parent.
    #[error("timestamp {timestamp} is not after the parent's {parent}")]
    NotAfterParent {
        /// The block's, in seconds since 1970.
        timestamp: i64,
        /// The parent's, in seconds since 1970.
        parent: i64,
    },
    /// Over [`MAX_CLOCK_LEAD`].
    #[error("timestamp {seconds} s ahead of our clock")]
    AheadOfClock {
        /// How far.
        seconds: i64,
    },
    /// Over 100 TIME.
    #[error("block reward {reward} is over {BLOCK_REWARD}")]
    RewardTooHigh {
        /// The header's, in the smallest unit.
        reward: u64,
    },
    /// The masternode rewards don't add up.
    #[error("masternode rewards of {sum} are not the block reward {reward}")]
    RewardSum {
        /// Of the masternode rewards, in the smallest unit.
        sum: u128,
        /// The header's, in the smallest unit.
        reward: u64,
    },
    /// Twice the same transaction.
    #[error("duplicate transaction {}", txid.short())]
    DuplicateTransaction {
        /// Which.
        txid: Hash,
    },
    /// The header's isn't that of the transactions.
    #[error("merkle root mismatch")]
    MerkleRoot,
    /// A checkpoint of this height names another block (decisions, D-26).
    #[error("not the block of our checkpoint")]
    Checkpoint,
}

impl BlockError {
    /// Whether the height fits but the parent is another: a fork, not a bad block.
    pub fn is_link(&self) -> bool {
        matches!(self, Self::PreviousHash { .. })
    }
}

/// Whether `block` may be appended to `parent` when our clock says `now_unix` (seconds since 1970).
///
/// # Errors
/// The first rule it breaks; cheap ones first, so that a fork costs no hashing.
pub fn check(parent: &Tip, block: &SealedBlock, now_unix: i64) -> Result<(), BlockError> {
    let height = block.height();
    if parent.height.checked_add(1) != Some(height) {
        return Err(BlockError::Height { height, parent: parent.height });
    }
    let theirs = block.previous_hash();
    if theirs == Hash::ZERO {
        return Err(BlockError::ZeroPreviousHash);
    }
    if theirs != parent.hash {
        return Err(BlockError::PreviousHash { theirs, ours: parent.hash });
    }
    let bytes = block.json_len();
    if bytes > MAX_BLOCK_JSON {
        return Err(BlockError::TooLarge { bytes });
    }
    let timestamp = block.timestamp();
    if timestamp <= parent.timestamp {
        return Err(BlockError::NotAfterParent { timestamp, parent: parent.timestamp });
    }
    let seconds = timestamp.saturating_sub(now_unix);
    if seconds > MAX_CLOCK_LEAD {
        return Err(BlockError::AheadOfClock { seconds });
    }
    check_reward(block)?;
    block.fault(check_transactions)
}

fn check_reward(block: &SealedBlock) -> Result<(), BlockError> {
    let reward = block.header.block_reward;
    if reward > BLOCK_REWARD {
        return Err(BlockError::RewardTooHigh { reward });
    }
    // u128: no number of u64s that fits a block overflows it.
    let sum: u128 = block.masternode_rewards.iter().map(|(_, amount)| u128::from(*amount)).sum();
    if !block.masternode_rewards.is_empty() && sum != u128::from(reward) {
        return Err(BlockError::RewardSum { sum, reward });
    }
    Ok(())
}

fn check_transactions(block: &Block) -> Result<(), BlockError> {
    let txids: Vec<Hash> = block.transactions.iter().map(Transaction::txid).collect();
    let mut seen = BTreeSet::new();
    if let Some(&txid) = txids.iter().find(|&txid| !seen.insert(txid)) {
        return Err(BlockError::DuplicateTransaction { txid });
    }
    if merkle_root(&txids) != block.header.merkle_root {
        return Err(BlockError::MerkleRoot);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{TESTNET_GENESIS_TIME, next_block, testnet};

    const NOW: i64 = TESTNET_GENESIS_TIME + 600;

    /// Checks a good block 1 after `change`.
    fn changed(change: impl FnOnce(&mut Block)) -> Result<(), BlockError> {
        let parent = testnet().tip();
        let mut block = Block::clone(&next_block(&parent, NOW, "10.0.0.1", 7));
        change(&mut block);
        check(&parent, &SealedBlock::new(block), NOW)
    }

    fn reason(change: impl FnOnce(&mut Block)) -> String {
        changed(change).unwrap_err().to_string()
    }

    /// Adds a transaction and makes the merkle root fit.
    fn add(block: &mut Block, transaction: Transaction) {
        block.transactions.push(transaction);
        let txids: Vec<Hash> = block.transactions.iter().map(Transaction::txid).collect();
        block.header.merkle_root = merkle_root(&txids);
    }

    #[test]
    fn the_real_chain_is_valid() {
        let mut tip = testnet().tip();
        for line in include_str!("../../../fixtures/chain/chain-v1.ndjson").lines().skip(1) {
            let block: SealedBlock = serde_json::from_str(line).unwrap();
            check(&tip, &block, block.timestamp()).unwrap();
            tip = block.tip();
        }
        assert_eq!(tip.height, 40);
    }

    #[test]
    fn a_good_block_passes() {
        assert_eq!(changed(|_| ()), Ok(()));
    }

    #[test]
    fn heights_must_follow() {
        for height in [0, 2, u64::MAX] {
            let want = format!("height {height} does not follow 0");
            assert_eq!(reason(|b| b.header.height = height), want);
        }
        let last = Tip { height: u64::MAX, ..testnet().tip() };
        let wrapped = next_block(&last, NOW, "10.0.0.1", 0);
        assert!(matches!(check(&last, &wrapped, NOW), Err(BlockError::Height { .. })));
    }

    #[test]
    fn another_parent_is_a_fork_and_a_zero_one_is_corrupt() {
        let fork = changed(|b| b.header.previous_hash = Hash([0xab; 32])).unwrap_err();
        assert_eq!(fork.to_string(), "previous hash abababab is not our 3f78cbb4");
        assert!(fork.is_link());
        let corrupt = changed(|b| b.header.previous_hash = Hash::ZERO).unwrap_err();
        assert_eq!(corrupt.to_string(), "previous hash is zero above height 0");
        assert!(!corrupt.is_link());
    }

    #[test]
    fn time_moves_forward_and_not_past_our_clock() {
        assert_eq!(changed(|b| b.header.timestamp = TESTNET_GENESIS_TIME + 1), Ok(()));
        assert_eq!(
            reason(|b| b.header.timestamp = TESTNET_GENESIS_TIME),
            "timestamp 1764547200 is not after the parent's 1764547200"
        );
        assert!(reason(|b| b.header.timestamp = i64::MIN).contains("is not after the parent's"));
        assert_eq!(changed(|b| b.header.timestamp = NOW + 900), Ok(()));
        assert_eq!(reason(|b| b.header.timestamp = NOW + 901), "timestamp 901 s ahead of our clock");
        assert!(reason(|b| b.header.timestamp = i64::MAX).ends_with("s ahead of our clock"));
        let (parent, far) = (testnet().tip(), next_block(&testnet().tip(), i64::MAX, "", 0));
        assert_eq!(check(&parent, &far, i64::MIN), Err(BlockError::AheadOfClock { seconds: i64::MAX }));
        assert_eq!(check(&parent, &far, i64::MAX), Ok(()));
    }

    #[test]
    fn rewards_add_up() {
        assert_eq!(changed(|b| b.masternode_rewards.clear()), Ok(()));
        assert_eq!(
            changed(|b| {
                b.header.block_reward = 3;
                b.masternode_rewards = vec![("a".to_owned(), 1), ("b".to_owned(), 2)];
            }),
            Ok(())
        );
        assert_eq!(
            reason(|b| b.header.block_reward = BLOCK_REWARD + 1),
            "block reward 10000000001 is over 10000000000"
        );
        assert_eq!(
            reason(|b| b.masternode_rewards = vec![("a".to_owned(), u64::MAX); 2]),
            "masternode rewards of 36893488147419103230 are not the block reward 10000000000"
        );
    }

    #[test]
    fn transactions_match_the_merkle_root() {
        assert_eq!(reason(|b| b.header.merkle_root = Hash::ZERO), "merkle root mismatch");
        assert_eq!(reason(|b| b.transactions[0].lock_time = 1), "merkle root mismatch");
        assert_eq!(reason(|b| b.transactions.swap(0, 1)), "merkle root mismatch");
        assert_eq!(reason(|b| b.transactions.clear()), "merkle root mismatch");
        assert_eq!(
            changed(|b| {
                b.transactions.clear();
                b.header.merkle_root = Hash::ZERO;
            }),
            Ok(())
        );
    }

    #[test]
    fn no_transaction_comes_twice() {
        // The root of [a, b, c, c] is that of [a, b, c]: only the rule on duplicates tells them apart.
        let twice = changed(|b| {
            let mut third = b.transactions[0].clone();
            third.lock_time = 1;
            add(b, third.clone());
            b.transactions.push(third);
        });
        assert!(matches!(twice, Err(BlockError::DuplicateTransaction { .. })));
    }

    #[test]
    fn json_is_at_most_a_million_bytes() {
        let fill = |block: &mut Block, len: usize| {
            block.header.leader.clear();
            let rest = SealedBlock::new(block.clone()).json_len();
            block.header.leader = "x".repeat(len - rest);
        };
        assert_eq!(changed(|b| fill(b, MAX_BLOCK_JSON)), Ok(()));
        assert_eq!(reason(|b| fill(b, MAX_BLOCK_JSON + 1)), "1000001 bytes of JSON are over the limit of 1000000");
    }
}
