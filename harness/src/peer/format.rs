//! The formats of blocks (wire protocol: Block): what later ones have, and hash, that v1 doesn't.
use std::fmt;

use node::chain::{
    Block, Hash, Header, Input, Json, OutPoint, Output, SealedBlock, Transaction, compact_json, merkle_root,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a v3 block's first transaction pays to.
const REWARD_SCRIPT: &[u8] = b"BLOCK_REWARD";

/// How blocks are written and hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockFormat {
    /// The reference node's.
    #[default]
    V1,
    /// With a VRF's proof, output and score.
    V2,
    /// As v2, with bitmaps of masternodes and an exact form of payment.
    V3,
}

impl fmt::Display for BlockFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::V3 => "v3",
        })
    }
}

/// What of a header only later formats hash; zeros and empty where missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Extra {
    /// From v2 on.
    pub vrf_output: Hash,
    /// From v2 on; any number will do.
    pub vrf_score: u64,
    /// From v3 on.
    pub active_masternodes_bitmap: Vec<u8>,
}

/// A block as far as only later formats hash it.
#[derive(Debug, Deserialize)]
pub struct Later {
    /// What they hash of its header.
    pub header: Extra,
}

impl BlockFormat {
    /// SHA-256 over what this format hashes.
    pub fn hash(self, header: &Header, extra: &Extra) -> Hash {
        let mut sha = Sha256::new();
        sha.update(header.version.to_le_bytes());
        sha.update(header.height.to_le_bytes());
        sha.update(header.previous_hash.0);
        sha.update(header.merkle_root.0);
        sha.update(header.timestamp.to_le_bytes());
        sha.update(header.block_reward.to_le_bytes());
        sha.update(&header.leader);
        sha.update(header.attestation_root.0);
        if self >= Self::V2 {
            sha.update(extra.vrf_output.0);
            sha.update(extra.vrf_score.to_le_bytes());
        }
        if self >= Self::V3 {
            sha.update(&extra.active_masternodes_bitmap);
        }
        Hash(sha.finalize().into())
    }

    /// A v1 block as this format demands it, after the block `previous_hash`. Its merkle root is right where that of `block` is.
    pub fn shape(self, block: &SealedBlock, previous_hash: Hash) -> Block {
        let root =
            |transactions: &[Transaction]| merkle_root(&transactions.iter().map(Transaction::txid).collect::<Vec<_>>());
        let mut shaped = Block::clone(block);
        shaped.header.previous_hash = previous_hash;
        // Nobody pays for a genesis.
        if self == Self::V3 && block.height() > 0 {
            let right = block.header.merkle_root == root(&block.transactions);
            pay(&mut shaped);
            if right {
                shaped.header.merkle_root = root(&shaped.transactions);
            }
        }
        shaped
    }

    /// The compact JSON of a block that was [shaped](Self::shape). Proofs and bitmaps are empty, as the text allows.
    pub fn json(self, block: &Block, vrf_score: u64) -> Vec<u8> {
        let v2 = (self >= Self::V2).then_some(HeaderV2 { vrf_proof: [], vrf_output: Hash::ZERO, vrf_score });
        // The text doesn't tell the type of `liveness_recovery`: readers of a truth, optional or not, take `false`.
        let v3 = (self >= Self::V3).then_some(HeaderV3 { active_masternodes_bitmap: [], liveness_recovery: false });
        compact_json(&Written {
            header: WrittenHeader { v1: &block.header, v2, v3 },
            transactions: &block.transactions,
            masternode_rewards: &block.masternode_rewards,
            time_attestations: &block.time_attestations,
            consensus_participants_bitmap: (self >= Self::V3).then_some([]),
        })
    }
}

/// Makes a built block's two transactions, the reward and its distribution, those of v3; others stay.
fn pay(block: &mut Block) {
    let (reward, rewards) = (block.header.block_reward, &block.masternode_rewards);
    let [created, spent, ..] = block.transactions.as_mut_slice() else { return };
    created.inputs.clear();
    created.outputs = vec![Output { value: reward, script_pubkey: REWARD_SCRIPT.to_vec() }];
    let previous_output = OutPoint { txid: created.txid(), vout: 0 };
    // The salt, by which forks differ.
    let script_sig = spent.inputs.first().map(|input| input.script_sig.clone()).unwrap_or_default();
    spent.inputs = vec![Input { previous_output, script_sig, sequence: u32::MAX }];
    let pays = |(address, value): &(String, u64)| Output { value: *value, script_pubkey: address.clone().into() };
    spent.outputs = rewards.iter().map(pays).collect();
}

#[derive(Serialize)]
struct Written<'a> {
    header: WrittenHeader<'a>,
    transactions: &'a [Transaction],
    masternode_rewards: &'a [(String, u64)],
    time_attestations: &'a Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    consensus_participants_bitmap: Option<[u8; 0]>,
}

#[derive(Serialize)]
struct WrittenHeader<'a> {
    #[serde(flatten)]
    v1: &'a Header,
    #[serde(flatten)]
    v2: Option<HeaderV2>,
    #[serde(flatten)]
    v3: Option<HeaderV3>,
}

#[derive(Serialize)]
struct HeaderV2 {
    vrf_proof: [u8; 0],
    vrf_output: Hash,
    vrf_score: u64,
}

#[derive(Serialize)]
struct HeaderV3 {
    active_masternodes_bitmap: [u8; 0],
    liveness_recovery: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real block.
    fn block() -> SealedBlock {
        let chain = include_str!("../../../fixtures/chain/chain-v1.ndjson");
        serde_json::from_str(chain.lines().nth(1).unwrap()).unwrap()
    }

    #[test]
    fn each_format_hashes_more() {
        let vrf_output = Hash(std::array::from_fn(|i| i as u8));
        let extra = Extra { vrf_output, vrf_score: (1 << 53) + 1, active_masternodes_bitmap: vec![1, 2, 255] };
        let hash = |format: BlockFormat| format.hash(&block().header, &extra).to_string();
        assert_eq!(hash(BlockFormat::V1), block().hash().to_string());
        // By Python's hashlib and struct, from the text of the wire protocol.
        assert_eq!(hash(BlockFormat::V2), "e3660caec99db71dd4102c94a5ddd6f1cae3ac041b8c4a6b8e93339100431b46");
        assert_eq!(hash(BlockFormat::V3), "471a7f76f9fb9f0df22d8aa95f6cbb002877b7683744763864033a30d7df5f70");
    }

    #[test]
    fn each_format_writes_more_and_v1_writes_as_the_node_does() {
        let text = |format: BlockFormat| String::from_utf8(format.json(&block(), u64::MAX)).unwrap();
        let v1 = String::from_utf8(compact_json(&block())).unwrap();
        assert_eq!(text(BlockFormat::V1), v1);
        let zeros = format!("[{}0]", "0,".repeat(31));
        let vrf = format!(",\"vrf_proof\":[],\"vrf_output\":{zeros},\"vrf_score\":18446744073709551615");
        assert_eq!(text(BlockFormat::V2).replace(&vrf, ""), v1);
        let v3 = ",\"active_masternodes_bitmap\":[],\"liveness_recovery\":false";
        let outside = ",\"consensus_participants_bitmap\":[]";
        let without = text(BlockFormat::V3).replace(&format!("{vrf}{v3}"), "").replace(outside, "");
        assert_eq!(without, v1);
    }

    #[test]
    fn names_are_those_of_profiles() {
        for format in [BlockFormat::V1, BlockFormat::V2, BlockFormat::V3] {
            assert_eq!(serde_json::to_string(&format).unwrap(), format!("\"{format}\""));
        }
    }
}
