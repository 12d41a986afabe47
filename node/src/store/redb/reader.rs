//! Reading a chain file without ever changing it.
use std::path::{Path, PathBuf};

use ::redb::ReadableDatabase;

use super::blocks::Blocks;
use super::entry::Flaw;
use super::error::OpenError;
use super::frozen::Newest;
use super::verify::{Verify, checkpoints, verify};
use super::{file, frozen};
use crate::chain::{Hash, Height, SealedBlock, Tip};

/// A chain file that is read and never changed, so that a damaged one can be looked at.
#[derive(Debug)]
pub struct ChainReader {
    file: PathBuf,
    genesis: SealedBlock,
    /// Keeps the file open, and locked.
    blocks: Blocks,
}

impl ChainReader {
    /// Opens the chain in `folder`, which must begin with `genesis` and have these `checkpoints`.
    ///
    /// # Errors
    /// [`OpenError`]; `Damaged` where not even the file's structure can be read.
    pub fn open(folder: &Path, genesis: &SealedBlock, checkpoints: &[(Height, Hash)]) -> Result<Self, OpenError> {
        let file = file::path(folder);
        match file.try_exists() {
            Ok(true) => Self::at(file, genesis, checkpoints),
            Ok(false) => Err(OpenError::Missing { file }),
            Err(source) => Err(OpenError::Io { file, source }),
        }
    }

    pub(super) fn at(file: PathBuf, genesis: &SealedBlock, wanted: &[(Height, Hash)]) -> Result<Self, OpenError> {
        let unfit = |fault| OpenError::new(&file, fault);
        let database = frozen::open(&file, Newest::Last).map_err(unfit)?;
        ours(&file, &database, genesis)?;
        let blocks = Blocks::of(&database).map_err(unfit)?;
        checkpoints(&file, &blocks, wanted)?;
        Ok(Self { file, genesis: genesis.clone(), blocks })
    }

    /// The last block.
    ///
    /// # Errors
    /// Where it can't be read.
    pub fn tip(&self) -> Result<SealedBlock, OpenError> {
        self.block(self.blocks.last().map_err(|fault| OpenError::new(&self.file, fault))?)
    }

    /// The block at `height`.
    ///
    /// # Errors
    /// Where it can't be read, or is not there.
    pub fn block(&self, height: Height) -> Result<SealedBlock, OpenError> {
        let found = self.blocks.block_at(height).and_then(|block| Ok(block.ok_or(Flaw::Missing)?));
        found.map_err(|error| error.at(&self.file, height))
    }

    /// Checks every block; returns the tip and how many blocks there are.
    ///
    /// # Errors
    /// The first damage, or why the system refuses to read.
    pub fn verify(&self) -> Result<(Tip, u64), OpenError> {
        verify(&self.file, &self.blocks, &self.genesis, Verify::Full)
    }
}

/// Whether a file is of our format and our network.
pub(super) fn ours(path: &Path, database: &impl ReadableDatabase, genesis: &SealedBlock) -> Result<(), OpenError> {
    let (format, found) = file::identity(database).map_err(|fault| OpenError::new(path, fault))?;
    let (file, wanted) = (path.to_owned(), genesis.hash());
    if format != file::FORMAT {
        return Err(OpenError::Format { file, found: format, known: file::FORMAT });
    }
    if found != wanted { Err(OpenError::Genesis { file, found, wanted }) } else { Ok(()) }
}
