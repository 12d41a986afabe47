//! A chain file that is open for writing.
use std::path::Path;

use ::redb::Database;

use super::blocks::Blocks;
use super::error::OpenError;
use super::fault::{Fault, guarded};
use super::file;
use super::reader::{ChainReader, ours};
use super::verify::{Verify, checkpoints, verify};
use crate::chain::{Hash, Height, SealedBlock, Tip};

/// The file, and what reads see of it.
#[derive(Debug)]
pub(super) struct OpenFile {
    pub blocks: Blocks,
    pub database: Database,
}

impl OpenFile {
    /// Opens a file that may be damaged or another chain's; gives its tip and how many blocks were checked fully, too.
    pub fn checked(
        path: &Path,
        genesis: &SealedBlock,
        wanted: &[(Height, Hash)],
        how: Verify,
    ) -> Result<(Self, Tip, u64), OpenError> {
        // Before anything is written: a file that is not ours stays as it is. Damage shows again below.
        match ChainReader::at(path.to_owned(), genesis, wanted) {
            Ok(_) | Err(OpenError::Damaged(_)) => {}
            Err(refused) => return Err(refused),
        }
        let file = Self::new(path, true).map_err(|fault| OpenError::new(path, fault))?;
        let found = ours(path, &file.database, genesis)
            .and_then(|()| checkpoints(path, &file.blocks, wanted))
            .and_then(|()| verify(path, &file.blocks, genesis, how));
        match found {
            Ok((tip, checked)) => Ok((file, tip, checked)),
            Err(error) => {
                file.close();
                Err(error)
            }
        }
    }

    /// Opens a file that was ours before. What a former life has staged goes.
    pub fn new(path: &Path, check: bool) -> Result<Self, Fault> {
        let database = file::open(path, check)?;
        let discarded = guarded(|| {
            let write = file::begin(&database)?;
            if write.delete_table(file::STAGED)? { Ok(write.commit()?) } else { Ok(write.abort()?) }
        });
        match discarded.and_then(|()| Blocks::of(&database)) {
            Ok(blocks) => Ok(Self { blocks, database }),
            Err(fault) => {
                let _ = guarded(|| Ok(database.close()?));
                Err(fault)
            }
        }
    }

    /// Closes the file. That writes to it, which redb may not survive where it is damaged.
    pub fn close(self) {
        let Self { blocks, database } = self;
        let _ = guarded(|| {
            drop(blocks);
            Ok(database.close()?)
        });
    }
}
