//! The first block.
use super::{
    BLOCK_REWARD, Block, Hash, Header, Json, SealedBlock, TESTNET_GENESIS_TIME, Tiers, Transaction, merkle_root,
};

/// The testnet's genesis, built in (wire protocol: Block; the first block of `fixtures/chain/chain-v1.ndjson`).
pub fn testnet() -> SealedBlock {
    let nothing = Transaction {
        version: 1,
        inputs: Vec::new(),
        outputs: Vec::new(),
        lock_time: 0,
        timestamp: TESTNET_GENESIS_TIME,
    };
    SealedBlock::new(Block {
        header: Header {
            version: 2,
            height: 0,
            previous_hash: Hash::ZERO,
            merkle_root: merkle_root(&[nothing.txid()]),
            timestamp: TESTNET_GENESIS_TIME,
            block_reward: BLOCK_REWARD,
            leader: "GENESIS".to_owned(),
            attestation_root: Hash::ZERO,
            masternode_tiers: Tiers::default(),
        },
        transactions: vec![nothing],
        masternode_rewards: Vec::new(),
        time_attestations: Json::empty_list(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_genesis_is_the_real_one() {
        let line = include_str!("../../../fixtures/chain/chain-v1.ndjson").lines().next().unwrap();
        assert_eq!(testnet(), serde_json::from_str(line).unwrap());
        assert_eq!(testnet().hash().to_string(), "3f78cbb4765bd1ae88eee3198d4459fbebcfe74ac56403465a634c1f68300669");
    }
}
