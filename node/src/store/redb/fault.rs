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
            ::redb::Error::Io(error) if is_damage(&error) => Self::Damaged(error.to_string()),
            ::redb::Error::Io(error) => Self::Io(error),
            ::redb::Error::PreviousIo => Self::Io(io::Error::other(error.to_string())),
            ::redb::Error::Corrupted(reason) => Self::Damaged(reason),
            error => Self::Damaged(error.to_string()),
        }
    }
}

/// No bytes where there should be some, no redb file at all, or a place that the disk can't read (EIO, which has no kind):
/// no other permission and no more room would help.
fn is_damage(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
        || error.raw_os_error() == Some(EIO)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damage_and_what_the_system() {
        let fault = |error: io::Error| Fault::from(::redb::Error::Io(error));
        for damage in [io::Error::from_raw_os_error(5), io::ErrorKind::UnexpectedEof.into()] {
            assert!(matches!(fault(damage), Fault::Damaged(_)));
        }
        for system in [io::ErrorKind::StorageFull, io::ErrorKind::PermissionDenied, io::ErrorKind::OutOfMemory] {
            assert!(matches!(fault(system.into()), Fault::Io(_)));
        }
        assert!(matches!(::redb::Error::DatabaseAlreadyOpen.into(), Fault::InUse));
    }

    #[test]
    fn a_panic_is_a_fault_with_its_reason() {
        let of = |panic: fn() -> Result<(), ::redb::Error>| guarded(panic).unwrap_err().to_string();
        assert_eq!(of(|| panic!("page {}", 7)), "redb panicked: page 7");
        assert_eq!(of(|| panic!("page")), "redb panicked: page");
    }
}
