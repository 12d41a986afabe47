//! Whether a chain file holds what was written.
use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};

use super::blocks::{Blocks, ReadError};
use super::entry::Flaw;
use super::error::OpenError;
use crate::chain::{Hash, Height, SealedBlock, Tip, check};

/// How many of the newest blocks [`Verify::Quick`] checks fully.
const NEWEST: u64 = 1_000;

/// How much of a chain is checked when it is opened. The checksum of every page is, in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// The newest 1,000 blocks; of the others, that none is missing and that the checkpoints hold.
    #[default]
    Quick,
    /// Every block.
    Full,
}

/// What an opened chain is like.
#[derive(Debug, Clone)]
pub struct Report {
    /// The highest block.
    pub tip: Tip,
    /// How many blocks were checked fully: bytes, hash, merkle root, rewards, link.
    pub checked: u64,
    /// What was wrong, where something was; the chain is a part of what it had been, then.
    pub repaired: Option<Repaired>,
}

/// A damage that was survived.
#[derive(Debug, Clone)]
pub struct Repaired {
    /// What was wrong.
    pub damage: Damage,
    /// Where the damaged file is kept.
    pub kept: PathBuf,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Repaired { damage, kept }) = &self.repaired {
            write!(
                f,
                "{damage}; it is kept as {}, and the chain goes on from height {}",
                kept.display(),
                self.tip.height
            )
        } else {
            write!(f, "{} of {} blocks checked fully, none wrong", self.checked, self.tip.height.saturating_add(1))
        }
    }
}

/// A place where a file is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}: {reason}", file.display(), place(*height))]
pub struct Damage {
    /// Which file.
    pub file: PathBuf,
    /// The lowest bad block; `None` where no block is, but the file.
    pub height: Option<Height>,
    /// What is wrong there.
    pub reason: String,
}

fn place(height: Option<Height>) -> String {
    height.map_or_else(|| "damaged".to_owned(), |height| format!("damaged at block {height}"))
}

/// What a walk along the chain found.
pub(super) struct Walked {
    /// The last good block, if any is.
    pub tip: Option<Tip>,
    /// How many good blocks there were.
    pub checked: u64,
    /// What ended the walk before `to`.
    pub wrong: Option<(Height, ReadError)>,
}

/// Checks block after block from `from` to `to` (the genesis for what it is, the others as the node does when they come),
/// and hands over each good one, until `good` says stop.
pub(super) fn walk<E>(
    blocks: &Blocks,
    genesis: &SealedBlock,
    (from, to): (Height, Height),
    mut good: impl FnMut(SealedBlock) -> Result<(), E>,
) -> Result<Walked, E> {
    let mut walked = Walked { tip: None, checked: 0, wrong: None };
    let mut parent = None;
    if let Some(below) = from.checked_sub(1) {
        match blocks.block_at(below) {
            Ok(block) => parent = block.map(|block| block.tip()),
            Err(error) => walked.wrong = Some((below, error)),
        }
    }
    for height in from..=to {
        if walked.wrong.is_some() {
            break;
        }
        match blocks.block_at(height).and_then(|block| follows(parent, block, genesis)) {
            Ok(block) => {
                parent = Some(block.tip());
                walked.tip = parent;
                walked.checked += 1;
                good(block)?;
            }
            Err(error) => walked.wrong = Some((height, error)),
        }
    }
    Ok(walked)
}

fn follows(parent: Option<Tip>, block: Option<SealedBlock>, genesis: &SealedBlock) -> Result<SealedBlock, ReadError> {
    let block = block.ok_or(Flaw::Missing)?;
    match parent {
        // Our clock had its say when the block came.
        Some(parent) => check(&parent, &block, i64::MAX).map_err(Flaw::Rule)?,
        None if block.hash() == genesis.hash() => {}
        None => return Err(Flaw::Genesis.into()),
    }
    Ok(block)
}

/// Checks a chain; returns its tip and how many blocks were checked fully.
pub(super) fn verify(
    file: &Path,
    blocks: &Blocks,
    genesis: &SealedBlock,
    how: Verify,
) -> Result<(Tip, u64), OpenError> {
    let last = blocks.last().map_err(|fault| OpenError::new(file, fault))?;
    let from = match how {
        Verify::Quick => last.saturating_sub(NEWEST - 1),
        Verify::Full => 0,
    };
    let Ok(walked) = walk(blocks, genesis, (from, last), |_| Ok::<_, Infallible>(()));
    match walked {
        Walked { tip: Some(tip), checked, wrong: None } => Ok((tip, checked)),
        Walked { wrong: Some((height, error)), .. } => Err(error.at(file, height)),
        Walked { tip: None, wrong: None, .. } => Err(ReadError::Flaw(Flaw::Missing).at(file, 0)),
    }
}

/// Whether the chain has the configured blocks at the heights that it reaches.
pub(super) fn checkpoints(file: &Path, blocks: &Blocks, wanted: &[(Height, Hash)]) -> Result<(), OpenError> {
    for &(height, wanted) in wanted {
        // A block that can't be read is damage, which is looked for elsewhere.
        if let Ok(Some(found)) = blocks.hash_at(height)
            && found != wanted
        {
            return Err(OpenError::Checkpoint { file: file.to_owned(), height, found, wanted });
        }
    }
    Ok(())
}
