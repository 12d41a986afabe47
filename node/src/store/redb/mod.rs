//! A chain on disk: `chain.redb`, where each append and each switch is one durable transaction.
mod blocks;
mod entry;
mod error;
mod fault;
mod file;
mod frozen;
mod open_file;
mod reader;
mod salvage;
mod transaction;
mod verify;

pub use error::OpenError;
pub use reader::ChainReader;
pub use verify::{Damage, Repaired, Report, Verify};

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{Commit, Store, StoreError, Write};
use crate::chain::{ChainView, Hash, Height, SealedBlock, Tip};
use blocks::{Blocks, ReadError};
use fault::{Fault, guarded};
use open_file::OpenFile;
use transaction::{Staged, expected, transact};

/// A durable chain. It keeps at most 16 MiB of its file in memory.
///
/// Reads see what was committed last and never wait for a flush. A write that fails leaves the old chain, and the next one
/// tries again.
#[derive(Debug)]
pub struct RedbStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    state: RwLock<State>,
    /// Whether it was told that a block can't be read.
    unread_told: AtomicBool,
}

#[derive(Debug)]
struct State {
    tip: Tip,
    staged: Option<Staged>,
    /// `None` after a failed write, as long as the file can't be opened again.
    file: Option<OpenFile>,
}

impl RedbStore {
    /// Opens the chain in `folder`, or makes it with nothing but `genesis`, and checks it as `verify` says.
    ///
    /// Where the file is damaged, the blocks below the damage go into a new file and the damaged one is kept; the report
    /// says so, and so does an ERROR line. `checkpoints` are heights and the hashes that the chain must have there.
    ///
    /// # Errors
    /// [`OpenError`]; the chain is as it was, then.
    pub fn open(
        folder: &Path,
        genesis: &SealedBlock,
        checkpoints: &[(Height, Hash)],
        verify: Verify,
    ) -> Result<(Self, Report), OpenError> {
        let path = file::path(folder);
        // Where that can't be told, making the folder tells why.
        if !path.try_exists().unwrap_or(false) {
            file::create(&path, genesis)?;
        }
        let checked = || OpenFile::checked(&path, genesis, checkpoints, verify);
        let (file, report) = match checked() {
            Ok((file, tip, checked)) => (file, Report { tip, checked, repaired: None }),
            Err(OpenError::Damaged(damage)) => {
                let (damage, kept) = salvage::salvage(&path, genesis, damage)?;
                let (file, tip, checked) = checked()?;
                (file, Report { tip, checked, repaired: Some(Repaired { damage, kept }) })
            }
            Err(error) => return Err(error),
        };
        match report.repaired {
            Some(_) => tracing::error!(target: "node", "{report}"),
            None => tracing::debug!(target: "node", "{}: {report}", path.display()),
        }
        let state = RwLock::new(State { tip: report.tip, staged: None, file: Some(file) });
        Ok((Self(Arc::new(Inner { path, state, unread_told: AtomicBool::new(false) })), report))
    }
}

impl Inner {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        // Whatever panics in redb is caught before it comes here.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads of the newest commit. What can't be read counts as not there, and that is told once.
    fn read<T>(&self, height: Height, read: impl FnOnce(&Blocks) -> Result<Option<T>, ReadError>) -> Option<T> {
        let state = self.state();
        if height > state.tip.height {
            return None;
        }
        let reason = match state.file.as_ref().map(|file| read(&file.blocks)) {
            Some(Ok(Some(found))) => return Some(found),
            Some(Ok(None)) => entry::Flaw::Missing.to_string(),
            Some(Err(error)) => error.to_string(),
            None => "the file could not be opened again after a failed write".to_owned(),
        };
        if !self.unread_told.swap(true, Ordering::Relaxed) {
            let file = self.path.display();
            tracing::error!(target: "node", "{file}: block {height} cannot be read: {reason}; a new start checks the file");
        }
        None
    }

    /// The whole of a commit; blocks its thread.
    fn apply(&self, write: &Write) -> Result<(), StoreError> {
        if self.state().file.is_none() {
            self.state_mut().reopen(&self.path).map_err(|fault| self.failed(fault))?;
        }
        let done = {
            let state = self.state();
            let Some(file) = &state.file else { return Err(StoreError::Failed("the file is closed".to_owned())) };
            let (tip, staged) = expected(&file.blocks, state.tip, state.staged, write)?;
            let done = guarded(|| transact(&file.database, write)).and_then(|()| Blocks::of(&file.database));
            done.map(|blocks| (tip, staged, blocks))
        };
        let mut state = self.state_mut();
        match done {
            Ok((tip, staged, blocks)) => {
                (state.tip, state.staged) = (tip, staged);
                if let Some(file) = &mut state.file {
                    file.blocks = blocks;
                }
                Ok(())
            }
            Err(fault) => {
                // After an error of the disk redb refuses everything, reads too, until the file is opened again.
                let _ = state.reopen(&self.path);
                Err(self.failed(fault))
            }
        }
    }

    fn failed(&self, fault: Fault) -> StoreError {
        StoreError::Failed(format!("{}: {fault}", self.path.display()))
    }
}

impl State {
    /// Opens the file anew, with the chain that is in it: the last one that was committed.
    fn reopen(&mut self, path: &Path) -> Result<(), Fault> {
        if let Some(file) = self.file.take() {
            file.close();
        }
        let file = OpenFile::new(path, false)?;
        let newest = file.blocks.last().map(|last| file.blocks.block_at(last));
        match newest {
            Ok(Ok(Some(newest))) => {
                *self = Self { tip: newest.tip(), staged: None, file: Some(file) };
                Ok(())
            }
            unread => {
                file.close();
                Err(Fault::Damaged(format!("the newest block cannot be read: {unread:?}")))
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(file) = self.state_mut().file.take() {
            file.close();
        }
    }
}

impl ChainView for RedbStore {
    fn tip(&self) -> Tip {
        self.0.state().tip
    }

    fn hash_at(&self, h: Height) -> Option<Hash> {
        self.0.read(h, |blocks| blocks.hash_at(h))
    }

    fn block_at(&self, h: Height) -> Option<SealedBlock> {
        self.0.read(h, |blocks| blocks.block_at(h))
    }

    fn staged_tip(&self) -> Option<Tip> {
        self.0.state().staged.map(|staged| staged.tip)
    }
}

impl Store for RedbStore {
    fn commit(&self, write: Write) -> Commit<'_> {
        let inner = self.0.clone();
        Box::pin(async move {
            let applied = tokio::task::spawn_blocking(move || inner.apply(&write)).await;
            applied.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())))
        })
    }
}

#[cfg(test)]
mod tests;
