//! What is wrong with logs.
use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::scenario::LoadError;

/// Why logs can't be read. [`Self::Unreadable`], and a file of patterns that can't be read, are the environment's fault.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A file or folder is missing, or not readable.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file of patterns.
    #[error(transparent)]
    Patterns(#[from] LoadError),
    /// There is nothing to read in a folder.
    #[error("{}: no files in this folder (hidden ones are not read)", .0.display())]
    NoFiles(PathBuf),
    /// More files than can be told apart.
    #[error("more than {MOST_FILES} files")]
    TooManyFiles,
    /// A host was named for a file that isn't read.
    #[error("{} is not among the files that are read, but a host is named for it", .0.display())]
    HostOfNone(PathBuf),
    /// A log is not what it should be.
    #[error("{}{}: {flaw}\n--lenient uses what could be read", name, line.map_or(String::new(), |line| format!(":{line}")))]
    Log {
        /// The file's name.
        name: String,
        /// The line, from 1, where it makes sense.
        line: Option<u64>,
        /// What is wrong.
        flaw: Flaw,
    },
}

/// Files that are read at once, at most.
pub const MOST_FILES: usize = 10_000;

impl ReadError {
    /// Whether the environment is to blame, not the input.
    pub fn is_environment(&self) -> bool {
        matches!(self, Self::Unreadable { .. } | Self::Patterns(LoadError::Unreadable { .. }))
    }
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing is in it.
    Empty,
    /// It is no text.
    Binary,
    /// It is text of two bytes a letter.
    Utf16,
    /// What is compressed in it breaks off or is damaged, in the words of who unpacks it.
    Damaged(String),
    /// Reading it failed midway.
    Broken(String),
    /// No line is known; how its first line begins.
    Foreign(String),
    /// No line has a time.
    Timeless,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the file is empty"),
            Self::Binary => f.write_str("this is no log: the file is binary"),
            Self::Utf16 => f.write_str("the text is UTF-16: save it as UTF-8"),
            Self::Damaged(why) => write!(f, "what is compressed breaks off or is damaged here: {why}"),
            Self::Broken(why) => write!(f, "reading breaks off here: {why}"),
            Self::Foreign(first) => {
                write!(
                    f,
                    "not one line is known: is it another program's log? It begins {first:?}; --patterns adds what lines mean"
                )
            }
            Self::Timeless => f.write_str("not one line has a time: nothing can be put in order with other logs"),
        }
    }
}
