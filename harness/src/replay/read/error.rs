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
        /// The same without its name: `argument 2`, `log-3`.
        nameless: String,
        /// Why.
        source: io::Error,
    },
    /// The file of patterns.
    #[error(transparent)]
    Patterns(#[from] LoadError),
    /// There is nothing to read in a folder.
    #[error("{}: {NO_FILES}", path.display())]
    NoFiles {
        /// The folder.
        path: PathBuf,
        /// The same without its name.
        nameless: String,
    },
    /// More files than can be told apart.
    #[error("more than {MOST_FILES} files")]
    TooManyFiles,
    /// A host was named for a file that isn't read.
    #[error("{} {HOST_OF_NONE}", .0.display())]
    HostOfNone(PathBuf),
    /// A log is not what it should be.
    #[error("{name}{}: {flaw}\n{LENIENT}", colon(*line))]
    Log {
        /// The file's name.
        name: String,
        /// The same without its name.
        nameless: String,
        /// The line, from 1, where it makes sense.
        line: Option<u64>,
        /// What is wrong.
        flaw: Flaw,
    },
}

/// Files that are read at once, at most.
pub const MOST_FILES: usize = 10_000;
const NO_FILES: &str = "no files in this folder (hidden ones are not read)";
const HOST_OF_NONE: &str = "is not among the files that are read, but a host is named for it";
const LENIENT: &str = "--lenient uses what could be read";

/// A line after a file's name, where there is one.
pub fn colon(line: Option<u64>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}

impl ReadError {
    /// Whether the environment is to blame, not the input.
    pub fn is_environment(&self) -> bool {
        matches!(self, Self::Unreadable { .. } | Self::Patterns(LoadError::Unreadable { .. }))
    }

    /// The same in words that hold nothing of the logs, neither names nor lines. What is wrong with a file of patterns is told as it is.
    pub fn redacted(&self) -> String {
        match self {
            Self::Unreadable { nameless, source, .. } => format!("cannot read {nameless}: {source}"),
            Self::NoFiles { nameless, .. } => format!("{nameless}: {NO_FILES}"),
            Self::HostOfNone(_) => format!("a file of --host {HOST_OF_NONE}"),
            Self::Log { nameless, line, flaw, .. } => {
                let flaw = if let Flaw::Foreign(_) = flaw { Flaw::Foreign(String::new()) } else { flaw.clone() };
                format!("{nameless}{}: {flaw}\n{LENIENT}", colon(*line))
            }
            Self::Patterns(_) | Self::TooManyFiles => self.to_string(),
        }
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
    /// No line is known; how its first line begins, where that is told.
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
                f.write_str("not one line is known: is it another program's log? ")?;
                if !first.is_empty() {
                    write!(f, "It begins {first:?}; ")?;
                }
                f.write_str("--patterns adds what lines mean")
            }
            Self::Timeless => f.write_str("not one line has a time: nothing can be put in order with other logs"),
        }
    }
}
