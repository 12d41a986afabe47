//! Why a chain file can't be used.
use std::io;
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::verify::Damage;
use crate::chain::{Hash, Height};

/// A chain file that can't be used. Its chain was not changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder can't be made.
    #[error("{}: cannot make the folder: {source}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no chain to read.
    #[error("{}: no chain here yet: run the node or import one first", file.display())]
    Missing {
        /// Where it would be.
        file: PathBuf,
    },
    /// Another node has it.
    #[error("{}: in use by another process: stop that one, or give this one another folder", file.display())]
    InUse {
        /// Which file.
        file: PathBuf,
    },
    /// The system refuses: permissions, a read-only or full disk, a bad one.
    #[error("{}: cannot be read and written: {source}", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another version of this program wrote it.
    #[error(
        "{}: its format is {found}, and this version reads {known}: use the version that wrote it, or give this one another folder",
        file.display()
    )]
    Format {
        /// Which file.
        file: PathBuf,
        /// The file's.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The chain of another network.
    #[error(
        "{}: its chain has the genesis {found}, not {wanted}: correct `[network] genesis`, or give this network another folder",
        file.display()
    )]
    Genesis {
        /// Which file.
        file: PathBuf,
        /// The file's.
        found: Hash,
        /// The configured one.
        wanted: Hash,
    },
    /// The chain contradicts the configuration.
    #[error(
        "{}: its block {height} is {found}, but the checkpoint is {wanted}: correct `[chain] checkpoints`, or move the file away to sync anew",
        file.display()
    )]
    Checkpoint {
        /// Which file.
        file: PathBuf,
        /// Of the checkpoint.
        height: Height,
        /// The file's.
        found: Hash,
        /// The configured one.
        wanted: Hash,
    },
    /// It is not what was written.
    #[error(transparent)]
    Damaged(Damage),
    /// Damaged, and nothing above the genesis can be read.
    #[error(
        "{0}; nothing above the genesis can be read: move the file away to sync anew, or to import an export of the chain"
    )]
    Lost(Damage),
}

impl OpenError {
    /// What `fault` means for `file`.
    pub(super) fn new(file: &Path, fault: Fault) -> Self {
        let file = file.to_owned();
        match fault {
            Fault::InUse => Self::InUse { file },
            Fault::Io(source) => Self::Io { file, source },
            Fault::Damaged(reason) => Self::Damaged(Damage { file, height: None, reason }),
        }
    }
}
