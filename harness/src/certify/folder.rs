//! A statement's folder: `statement.json` and its forms for people, `badge.svg`, `junit.xml`, and `evidence/`, a history for each trial.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::render;
use super::statement::{Evidence, Statement, Status, VERSION};
use crate::history::{self, History};

/// Bytes of a statement, at most.
const LARGEST: u64 = 64 << 20;

/// A file or folder that can't be used, or content that is no statement.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The file system refuses.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was wanted.
        what: &'static str,
        /// Of which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No statement, or a broken one.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with its place.
        reason: String,
    },
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StatementError {
    move |source| StatementError::Io { what, path: path.to_owned(), source }
}

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes what was seen in a trial; `name` is the trial's.
///
/// # Errors
/// The file system's.
pub fn evidence(folder: &Path, name: &str, history: &History) -> Result<Evidence, StatementError> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let file = format!(
        "evidence/{}.jsonl",
        name.replace(", ", ".")
            .replace('/', ".")
            .chars()
            .map(|c| if c == '.' { c } else { plain(c) })
            .collect::<String>()
    );
    let path = folder.join(&file);
    let mut bytes = Vec::new();
    history::write(history, &mut bytes)
        .map_err(|error| StatementError::Content { path: path.clone(), reason: error.to_string() })?;
    let parent = folder.join("evidence");
    fs::create_dir_all(&parent).map_err(io_error("make", &parent))?;
    fs::write(&path, &bytes).map_err(io_error("write", &path))?;
    Ok(Evidence { file, sha256: sha256(&bytes) })
}

/// Writes the page of a trial beside its evidence; the statement's page links to it.
///
/// # Errors
/// The file system's.
pub fn page(folder: &Path, page: &str, html: &str) -> Result<(), StatementError> {
    let path = folder.join(page);
    fs::write(&path, html).map_err(io_error("write", &path))
}

/// Writes the statement in all its forms.
///
/// # Errors
/// The file system's.
pub fn write(folder: &Path, statement: &Statement) -> Result<(), StatementError> {
    fs::create_dir_all(folder).map_err(io_error("make", folder))?;
    let file = |name: &str, content: String| {
        let path = folder.join(name);
        fs::write(&path, content).map_err(io_error("write", &path))
    };
    let json = serde_json::to_string_pretty(statement).unwrap_or_default();
    file("statement.json", json + "\n")?;
    file("statement.md", render::markdown(statement))?;
    file("statement.html", render::html(statement))?;
    file("badge.svg", render::badge(statement))?;
    let path = folder.join("junit.xml");
    let junit = render::junit(statement)
        .map_err(|error| StatementError::Content { path: path.clone(), reason: error.to_string() })?;
    file("junit.xml", junit)
}

/// Reads a statement, from its file or its folder.
///
/// # Errors
/// [`StatementError::Content`] with line and column for what is none, is of another version, or does not fit its seal.
pub fn read(path: &Path) -> Result<Statement, StatementError> {
    let path = if path.is_dir() { path.join("statement.json") } else { path.to_owned() };
    let wrong = |reason: String| StatementError::Content { path: path.clone(), reason };
    let length = fs::metadata(&path).map_err(io_error("read", &path))?.len();
    if length > LARGEST {
        return Err(wrong(format!("{length} bytes are no statement: at most {LARGEST}")));
    }
    let bytes = fs::read(&path).map_err(io_error("read", &path))?;
    #[derive(serde::Deserialize)]
    struct Version {
        lockstep_statement: u32,
    }
    let version: Version = serde_json::from_slice(&bytes).map_err(|error| wrong(format!("no statement: {error}")))?;
    if version.lockstep_statement != VERSION {
        let found = version.lockstep_statement;
        return Err(wrong(format!(
            "a statement of version {found}; this Lockstep reads {VERSION}: use the one that wrote it"
        )));
    }
    let statement: Statement =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("no whole statement: {error}")))?;
    if statement.seal != statement.sealed() {
        return Err(wrong("its seal does not fit: something in it was changed after it was written".to_owned()));
    }
    Ok(statement)
}

/// What a trial's evidence holds.
///
/// # Errors
/// Where it can't be read, was changed, or is no history.
pub fn read_evidence(folder: &Path, evidence: &Evidence) -> Result<History, StatementError> {
    let path = folder.join(&evidence.file);
    let wrong = |reason: String| StatementError::Content { path: path.clone(), reason };
    if Path::new(&evidence.file).components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
        return Err(wrong("evidence lies below the statement's folder".to_owned()));
    }
    let bytes = fs::read(&path).map_err(io_error("read", &path))?;
    let found = sha256(&bytes);
    if found != evidence.sha256 {
        return Err(wrong(format!("it was changed: its SHA-256 is {found}, not {}", evidence.sha256)));
    }
    history::read(&bytes[..]).map_err(|error| wrong(error.to_string()))
}

impl Statement {
    /// SHA-256 over everything else in it.
    pub fn sealed(&self) -> String {
        let bare = Self { seal: String::new(), ..self.clone() };
        sha256(&serde_json::to_vec(&bare).unwrap_or_default())
    }

    /// The worst status of all rows that were tried.
    pub fn worst(&self) -> Status {
        let tried = self.rows.iter().map(|row| row.status).filter(|status| *status != Status::NotTried);
        tried.max().unwrap_or(Status::NotTried)
    }
}
