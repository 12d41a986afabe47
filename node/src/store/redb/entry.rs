//! A block as the file holds it: 32 bytes of hash, 32 bytes of seal, and the compact JSON as it stands on the wire.
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
    Json(serde_json::Error),
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
    pub json: &'a [u8],
}

impl<'a> Entry<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, Flaw> {
        let short = || Flaw::Short(bytes.len());
        let (hash, rest) = bytes.split_first_chunk::<HASH>().ok_or_else(short)?;
        let (seal, json) = rest.split_first_chunk::<HASH>().ok_or_else(short)?;
        Ok(Self { hash: Hash(*hash), seal: Hash(*seal), json })
    }

    /// Whether the bytes are those that were written.
    pub fn sealed(&self) -> Result<(), Flaw> {
        if seal(&self.hash.0, self.json) == self.seal { Ok(()) } else { Err(Flaw::Seal) }
    }

    /// The block, which must be the one of `height` and have the stored hash.
    pub fn block(&self, height: Height) -> Result<SealedBlock, Flaw> {
        self.sealed()?;
        let block: SealedBlock = serde_json::from_slice(self.json).map_err(Flaw::Json)?;
        if block.hash() != self.hash {
            return Err(Flaw::Hash { hash: block.hash(), stored: self.hash });
        }
        if block.height() != height { Err(Flaw::Height(block.height())) } else { Ok(block) }
    }
}

/// How many bytes [`write`] needs.
pub(super) fn len(block: &SealedBlock) -> usize {
    PREFIX + block.json_len()
}

/// Writes `block` straight into the page, without a copy on the way.
///
/// # Panics
/// Where `into` is not [`len`] bytes long.
pub(super) fn write(block: &SealedBlock, into: &mut [u8]) {
    let (prefix, json) = into.split_at_mut(PREFIX);
    let mut rest = &mut *json;
    serde_json::to_writer(&mut rest, block).expect("a sealed block knows the length of its JSON");
    assert!(rest.is_empty(), "a sealed block knows the length of its JSON");
    let hash = block.hash();
    prefix[..HASH].copy_from_slice(&hash.0);
    prefix[HASH..].copy_from_slice(&seal(&hash.0, json).0);
}

/// Over everything else of the entry: a block's hash leaves out tiers, rewards and attestations, and a node that serves
/// blocks from a damaged file must see any damage without recomputing the merkle root.
fn seal(hash: &[u8; HASH], json: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update(hash).chain_update(json).finalize().into())
}
