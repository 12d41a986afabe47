//! A block as the file holds it: 32 bytes of hash, 32 bytes of seal, and the block in postcard's form, a third of its JSON.
use sha2::{Digest, Sha256};

use crate::chain::{BlockError, Hash, Height, SealedBlock};

const HASH: usize = 32;
const PREFIX: usize = 2 * HASH;

/// What is wrong with a stored block.
#[derive(Debug, thiserror::Error)]
pub(super) enum Flaw {
    #[error("no block")]
    Missing,
    #[error("{0} bytes are no block")]
    Short(usize),
    #[error("its bytes are not those that were written")]
    Seal,
    #[error("it does not parse: {0}")]
    Form(postcard::Error),
    #[error("its hash is {hash}, not {stored}")]
    Hash { hash: Hash, stored: Hash },
    #[error("it is block {0}")]
    Height(Height),
    #[error("it is not the configured genesis")]
    Genesis,
    #[error("{0}")]
    Rule(BlockError),
}

/// A stored block, read as far as its length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub hash: Hash,
    seal: Hash,
    block: &'a [u8],
}

impl<'a> Entry<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, Flaw> {
        let short = || Flaw::Short(bytes.len());
        let (hash, rest) = bytes.split_first_chunk::<HASH>().ok_or_else(short)?;
        let (seal, block) = rest.split_first_chunk::<HASH>().ok_or_else(short)?;
        Ok(Self { hash: Hash(*hash), seal: Hash(*seal), block })
    }

    /// Whether the bytes are those that were written.
    pub fn sealed(&self) -> Result<(), Flaw> {
        if seal(&self.hash, self.block) == self.seal { Ok(()) } else { Err(Flaw::Seal) }
    }

    /// The block, which must be the one of `height` and have the stored hash.
    pub fn block(&self, height: Height) -> Result<SealedBlock, Flaw> {
        self.sealed()?;
        let block: SealedBlock = postcard::from_bytes(self.block).map_err(Flaw::Form)?;
        if block.hash() != self.hash {
            return Err(Flaw::Hash { hash: block.hash(), stored: self.hash });
        }
        if block.height() != height { Err(Flaw::Height(block.height())) } else { Ok(block) }
    }
}

/// What is stored for `block`.
pub(super) fn write(block: &SealedBlock) -> Vec<u8> {
    let mut bytes = vec![0; PREFIX];
    bytes = postcard::to_extend(block, bytes).expect("memory takes what a block holds");
    let (hash, seal_of) = (block.hash(), seal(&block.hash(), &bytes[PREFIX..]));
    bytes[..HASH].copy_from_slice(&hash.0);
    bytes[HASH..PREFIX].copy_from_slice(&seal_of.0);
    bytes
}

/// Over everything else of the entry: a block's hash leaves out tiers, rewards and attestations, and a node that serves
/// blocks from a damaged file must see any damage without recomputing the merkle root.
fn seal(hash: &Hash, block: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update(hash.0).chain_update(block).finalize().into())
}
