//! What one instant's reads of a chain file see.
use std::path::Path;

use ::redb::{ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata};

use super::entry::{Entry, Flaw};
use super::error::OpenError;
use super::fault::{Fault, guarded};
use super::file::BLOCKS;
use super::verify::Damage;
use crate::chain::{Hash, Height, SealedBlock};

/// Why a block can't be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Flaw(#[from] Flaw),
}

impl ReadError {
    /// What it means that the block at `height` of `file` can't be read.
    pub fn at(self, file: &Path, height: Height) -> OpenError {
        match self {
            Self::Fault(fault @ (Fault::InUse | Fault::Io(_))) => OpenError::new(file, fault),
            error => {
                OpenError::Damaged(Damage { file: file.to_owned(), height: Some(height), reason: error.to_string() })
            }
        }
    }
}

/// The chain as it was committed last. It stays as it is while the next write is under way.
#[derive(Debug)]
pub(super) struct Blocks(ReadOnlyTable<Height, &'static [u8]>);

impl Blocks {
    pub fn of(database: &impl ReadableDatabase) -> Result<Self, Fault> {
        guarded(|| Ok(Self(database.begin_read()?.open_table(BLOCKS)?)))
    }

    /// The height of the last block, after a look at the first and the count: heights without a gap from 0.
    pub fn last(&self) -> Result<Height, Fault> {
        let (first, last, count) = guarded(|| {
            let key = |entry: Option<(::redb::AccessGuard<'_, Height>, _)>| entry.map(|(key, _)| key.value());
            Ok((key(self.0.first()?), key(self.0.last()?), self.0.len()?))
        })?;
        match (first, last) {
            (Some(0), Some(last)) if last.checked_add(1) == Some(count) => Ok(last),
            _ => Err(Fault::Damaged(format!("{count} blocks from {first:?} to {last:?} are not a chain"))),
        }
    }

    /// The stored hash at `height`; no block is parsed for it.
    pub fn hash_at(&self, height: Height) -> Result<Option<Hash>, ReadError> {
        self.entry_at(height, |entry| Ok(entry.hash))
    }

    pub fn block_at(&self, height: Height) -> Result<Option<SealedBlock>, ReadError> {
        self.entry_at(height, |entry| entry.block(height))
    }

    pub fn entry_at<T>(
        &self,
        height: Height,
        read: impl FnOnce(Entry<'_>) -> Result<T, Flaw>,
    ) -> Result<Option<T>, ReadError> {
        let found = guarded(|| {
            let value = self.0.get(height)?;
            Ok(value.map(|value| Entry::read(value.value()).and_then(read)))
        })?;
        Ok(found.transpose()?)
    }
}
