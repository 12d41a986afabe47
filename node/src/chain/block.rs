//! Blocks and transactions as the network writes them (wire protocol: Block), and their hashes.
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Hash, Height, Json, json_list};

/// A block of format v1. JSON fields are written in the order below; unknown ones are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What is hashed.
    pub header: Header,
    /// In order; the merkle root covers them.
    pub transactions: Vec<Transaction>,
    /// Address and amount (smallest unit). Not hashed.
    pub masternode_rewards: Vec<(String, u64)>,
    /// Carried along, never looked at. Not hashed.
    #[serde(default = "Json::empty_list", deserialize_with = "json_list")]
    pub time_attestations: Json,
}

/// A block's header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// 1 for built blocks; the testnet genesis has 2 and is hashed like the others.
    pub version: u32,
    /// Distance from the genesis.
    pub height: Height,
    /// The parent's hash; zeros only in a genesis.
    pub previous_hash: Hash,
    /// See [`merkle_root`].
    pub merkle_root: Hash,
    /// Seconds since 1970.
    pub timestamp: i64,
    /// In the smallest unit.
    pub block_reward: u64,
    /// Who made it; empty on the real chain.
    pub leader: String,
    /// Zeros where missing.
    #[serde(default)]
    pub attestation_root: Hash,
    /// Zeros where missing. Not hashed.
    #[serde(default)]
    pub masternode_tiers: Tiers,
}

/// How many masternodes of each tier there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Tiers {
    pub free: u32,
    pub bronze: u32,
    pub silver: u32,
    pub gold: u32,
}

/// A transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// 1 on the real chain.
    pub version: u32,
    /// What it spends; empty in the transaction that creates the reward.
    pub inputs: Vec<Input>,
    /// What it pays.
    pub outputs: Vec<Output>,
    /// 0 on the real chain.
    pub lock_time: u32,
    /// Seconds since 1970; the block's on the real chain.
    pub timestamp: i64,
}

/// An output that is spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Which one.
    pub previous_output: OutPoint,
    /// Free bytes; empty on the real chain.
    pub script_sig: Vec<u8>,
    /// `u32::MAX` on the real chain.
    pub sequence: u32,
}

/// Names an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutPoint {
    /// Of the transaction that has it.
    pub txid: Hash,
    /// Its index there.
    pub vout: u32,
}

/// An amount and whom it goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// In the smallest unit.
    pub value: u64,
    /// An address' bytes, or `BLOCK_REWARD_` and the height as u64 LE.
    pub script_pubkey: Vec<u8>,
}

impl Block {
    /// SHA-256 over the header's fields as bytes (wire protocol: Block); tiers, rewards and attestations are left out.
    pub fn hash(&self) -> Hash {
        let header = &self.header;
        let mut sha = Sha256::new();
        sha.update(header.version.to_le_bytes());
        sha.update(header.height.to_le_bytes());
        sha.update(header.previous_hash.0);
        sha.update(header.merkle_root.0);
        sha.update(header.timestamp.to_le_bytes());
        sha.update(header.block_reward.to_le_bytes());
        sha.update(&header.leader);
        sha.update(header.attestation_root.0);
        Hash(sha.finalize().into())
    }
}

impl Transaction {
    /// SHA-256 of the compact JSON.
    pub fn txid(&self) -> Hash {
        Hash::of(&compact_json(self))
    }
}

/// JSON without blanks, as it is hashed, measured and sent.
///
/// # Panics
/// Where `value` is no JSON (a map with keys that aren't strings); nothing in `chain` or `wire` is such.
pub fn compact_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("blocks and messages are JSON")
}

/// Pairwise SHA-256 over `txids`, the last duplicated where a level's count is odd; one txid is its own root, none is zeros.
pub fn merkle_root(txids: &[Hash]) -> Hash {
    let mut level = txids.to_vec();
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| Hash::of(&[pair[0].0, pair[pair.len() - 1].0].concat())).collect();
    }
    level.first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::SealedBlock;

    const CHAIN: &str = include_str!("../../../fixtures/chain/chain-v1.ndjson");
    const HASHES: &str = include_str!("../../../fixtures/chain/chain-v1.hashes");

    #[test]
    fn the_real_chain_hashes_links_and_is_written_back_byte_for_byte() {
        let blocks: Vec<SealedBlock> = CHAIN.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((blocks.len(), HASHES.lines().count()), (41, 41));
        for (i, (line, hash)) in CHAIN.lines().zip(HASHES.lines()).enumerate() {
            let block = &blocks[i];
            assert_eq!(format!("{i} {}", block.hash()), hash);
            assert_eq!(block.height(), i as u64);
            assert_eq!(String::from_utf8(compact_json(block)).unwrap(), line);
            assert_eq!(block.json_len(), line.len());
            let txids: Vec<Hash> = block.transactions.iter().map(Transaction::txid).collect();
            assert_eq!(block.header.merkle_root, merkle_root(&txids));
            let parent = i.checked_sub(1).map_or(Hash::ZERO, |p| blocks[p].hash());
            assert_eq!(block.previous_hash(), parent);
        }
    }

    #[test]
    fn merkle_duplicates_the_last_of_an_odd_level() {
        let [a, b, c] = [1, 2, 3].map(|n| Hash([n; 32]));
        let pair = |x: Hash, y: Hash| Hash::of(&[x.0, y.0].concat());
        assert_eq!(merkle_root(&[]), Hash::ZERO);
        assert_eq!(merkle_root(&[a]), a);
        assert_eq!(merkle_root(&[a, b]), pair(a, b));
        assert_eq!(merkle_root(&[a, b, c]), pair(pair(a, b), pair(c, c)));
    }

    #[test]
    fn missing_parts_are_zeros_and_unknown_ones_ignored() {
        let line = CHAIN.lines().nth(1).unwrap();
        let whole: Block = serde_json::from_str(line).unwrap();
        let zeros = format!(",\"attestation_root\":[{}0]", "0,".repeat(31));
        let tiers = ",\"masternode_tiers\":{\"free\":1,\"bronze\":0,\"silver\":0,\"gold\":0}";
        let mut short = line.to_owned();
        for part in [zeros.as_str(), tiers, ",\"time_attestations\":[]"] {
            assert!(short.contains(part), "{part}");
            short = short.replace(part, "");
        }
        let short = short.replacen('{', "{\"new\":[{\"x\":1e999}],", 1);
        let block: Block = serde_json::from_str(&short).unwrap();
        assert_eq!(block.hash(), whole.hash());
        assert_eq!(block.header.masternode_tiers, Tiers::default());
        assert_eq!(block.time_attestations, Json::empty_list());
    }
}
