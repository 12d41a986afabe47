//! A block whose hash and size are known.
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::json_len::JsonLen;
use super::{Block, BlockError, Hash, Height, Tip};

/// An unchangeable [`Block`] with its hash and JSON size; a clone shares it. Being sealed says nothing about validity.
#[derive(Debug, Clone)]
pub struct SealedBlock(Arc<Sealed>);

#[derive(Debug)]
struct Sealed {
    block: Block,
    hash: Hash,
    json_len: usize,
    /// What is wrong with its transactions, once somebody has asked: blocks are checked by many, and hashing them takes longest.
    fault: OnceLock<Option<Box<BlockError>>>,
}

impl SealedBlock {
    /// Hashes and measures `block`.
    pub fn new(mut block: Block) -> Self {
        // The list whose entries are smallest as JSON: its growth would count most in what is held.
        block.masternode_rewards.shrink_to_fit();
        let hash = block.hash();
        let json_len = block.json_len();
        Self(Arc::new(Sealed { block, hash, json_len, fault: OnceLock::new() }))
    }

    /// The block's hash.
    pub fn hash(&self) -> Hash {
        self.0.hash
    }

    /// Bytes of the compact JSON.
    pub fn json_len(&self) -> usize {
        self.0.json_len
    }

    /// What `check` finds wrong with the block alone; it is asked once.
    pub(super) fn fault(&self, check: impl FnOnce(&Block) -> Result<(), BlockError>) -> Result<(), BlockError> {
        let fault = self.0.fault.get_or_init(|| check(&self.0.block).err().map(Box::new));
        fault.as_deref().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// The height it claims.
    pub fn height(&self) -> Height {
        self.header.height
    }

    /// The parent it claims.
    pub fn previous_hash(&self) -> Hash {
        self.header.previous_hash
    }

    /// Seconds since 1970.
    pub fn timestamp(&self) -> i64 {
        self.header.timestamp
    }

    /// This block as the tip of a chain.
    pub fn tip(&self) -> Tip {
        Tip { height: self.height(), hash: self.hash(), timestamp: self.timestamp() }
    }
}

impl Deref for SealedBlock {
    type Target = Block;

    fn deref(&self) -> &Block {
        &self.0.block
    }
}

/// Same hash and same content: parts of a block aren't hashed.
impl PartialEq for SealedBlock {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.hash == other.0.hash && self.0.block == other.0.block
    }
}

impl Eq for SealedBlock {}

impl Serialize for SealedBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.block.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SealedBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Block::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::testnet;

    #[test]
    fn equality_sees_what_the_hash_does_not() {
        let block = testnet();
        assert_eq!(block, block.clone());
        assert_eq!(block, SealedBlock::new(Block::clone(&block)));
        let mut other = Block::clone(&block);
        other.masternode_rewards.push(("10.0.0.1".to_owned(), 1));
        let other = SealedBlock::new(other);
        assert_eq!(block.hash(), other.hash());
        assert_ne!(block, other);
    }
}
