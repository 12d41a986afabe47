//! From a file to a scenario.
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

use super::error::{LoadError, Problem, ScenarioError};
use super::file::ScenarioFile;
use super::find::name;
use super::resolve;
use super::resolved::Scenario;
use super::yaml::{self, Place};

/// Bytes of a scenario file, at most.
pub const LARGEST_FILE: u64 = 1 << 20;

impl Scenario {
    /// Reads the file at `path`; its name is its path below `root` without the ending.
    ///
    /// # Errors
    /// [`LoadError::Unreadable`] where the file cannot be read, [`LoadError::Wrong`] where its content is no scenario.
    pub fn load(path: &Path, root: &Path) -> Result<Self, LoadError> {
        document(path, |file: ScenarioFile, text| resolve::scenario(&name(path, root), file, text))
    }

    /// Reads a scenario from its text; `name` stands for the file in messages.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        document_text(name, text.to_owned(), |file: ScenarioFile, text| resolve::scenario(name, file, text))
    }
}

/// Reads a YAML file into what `check` makes of its content and its text.
///
/// # Errors
/// [`LoadError::Unreadable`] where the file cannot be read, [`LoadError::Wrong`] with all that is wrong with its content.
pub fn document<T: DeserializeOwned, U>(
    path: &Path,
    check: impl FnOnce(T, &str) -> Result<U, Vec<Problem>>,
) -> Result<U, LoadError> {
    let bytes = read(path).map_err(|source| LoadError::Unreadable { path: path.to_owned(), source })?;
    let file = path.display().to_string();
    let refused = |problem, text| ScenarioError { file: file.clone(), problems: vec![problem], text };
    if bytes.len() as u64 > LARGEST_FILE {
        let problem = Problem::new(None, "the file is larger than 1 MiB").help("it ought to be a few hundred lines");
        return Err(refused(problem, String::new()).into());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let line = text[..at].matches('\n').count() as u64 + 1;
        let place = Place { line, bytes: at..at + char::REPLACEMENT_CHARACTER.len_utf8() };
        refused(Problem::new(place, "the text is not UTF-8 from here on"), text)
    })?;
    document_text(&file, text, check).map_err(LoadError::from)
}

/// As [`document`], from a text; `file` names it in messages.
///
/// # Errors
/// All that is wrong with it.
pub fn document_text<T: DeserializeOwned, U>(
    file: &str,
    text: String,
    check: impl FnOnce(T, &str) -> Result<U, Vec<Problem>>,
) -> Result<U, ScenarioError> {
    let parsed = yaml::parse::<T>(&text).map_err(|problem| vec![problem]);
    parsed.and_then(|parsed| check(parsed, &text)).map_err(|problems| ScenarioError {
        file: file.to_owned(),
        problems,
        text,
    })
}

/// At most one byte more than is allowed.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
