//! A chain file that is read and never changed, whatever state it is in.
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::Path;

use ::redb::backends::FileBackend;
use ::redb::{BackendError, Builder, ConcurrencyMode, ReadOnlyDatabase, StorageBackend};

use super::fault::{Fault, guarded};
use super::file::CACHE;

/// Where the flags of redb's header are (redb, design.md, file format 3).
const FLAGS: usize = 9;
/// Which of its two commit slots is the newer one.
const PRIMARY: u8 = 1;
/// "Not closed" and "last commit not flushed": redb would want to repair the file before it reads it.
const UNCLEAN: u8 = 2 | 8;

/// Which commit is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newest {
    /// The last one.
    Last,
    /// The one before, where nothing leads to the last one's pages any more.
    Previous,
}

/// Opens `file` for reading alone.
pub(super) fn open(file: &Path, newest: Newest) -> Result<ReadOnlyDatabase, Fault> {
    let file = File::open(file)?;
    guarded(|| {
        let backend = Frozen { file: FileBackend::new(file)?, newest };
        Ok(Builder::new()
            .set_cache_size(CACHE)
            // A reader of this mode asks for no allocator state, which may be what is damaged.
            .set_concurrency_mode(ConcurrencyMode::SingleWriter)
            .open_read_only_with_backend(backend)?)
    })
}

/// Shows redb a file as if it had been closed in order; what is cut off reads as zeros.
#[derive(Debug)]
struct Frozen {
    file: FileBackend,
    newest: Newest,
}

fn refused() -> io::Error {
    io::Error::from(io::ErrorKind::ReadOnlyFilesystem)
}

impl StorageBackend for Frozen {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = self.file.len()?.saturating_sub(offset);
        let (held, missing) = out.split_at_mut(usize::try_from(there).unwrap_or(usize::MAX).min(out.len()));
        self.file.read(offset, held)?;
        missing.fill(0);
        let flags = usize::try_from(offset).ok().and_then(|offset| FLAGS.checked_sub(offset));
        if let Some(flags) = flags.and_then(|at| out.get_mut(at)) {
            *flags &= !UNCLEAN;
            if self.newest == Newest::Previous {
                *flags ^= PRIMARY;
            }
        }
        Ok(())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Err(refused())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(refused())
    }

    fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(refused())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
