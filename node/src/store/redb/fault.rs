//! What can go wrong inside redb, panics included.
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why redb did not do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Somebody else has the file open.
    #[error("in use by another process")]
    InUse,
    /// The system refused.
    #[error("{0}")]
    Io(io::Error),
    /// The file holds what redb did not write.
    #[error("{0}")]
    Damaged(String),
}

impl From<::redb::Error> for Fault {
    fn from(error: ::redb::Error) -> Self {
        match error {
            ::redb::Error::DatabaseAlreadyOpen => Self::InUse,
            // No bytes where there should be some, or no redb file at all: the system did what it could.
            ::redb::Error::Io(error)
                if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
            {
                Self::Damaged(error.to_string())
            }
            ::redb::Error::Io(error) => Self::Io(error),
            ::redb::Error::PreviousIo => Self::Io(io::Error::other(error.to_string())),
            ::redb::Error::Corrupted(reason) => Self::Damaged(reason),
            error => Self::Damaged(error.to_string()),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Does `work` with redb, which may panic on a file that was changed behind its back.
///
/// A panic leaves nothing of ours half changed: all that is written is a transaction, and its end is ours to see.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, ::redb::Error>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Ok(result?),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            Err(Fault::Damaged(format!("redb panicked: {text}")))
        }
    }
}
