//! An export's files, and what they say of themselves.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::left_out::LeftOut;
use crate::scenario::{Scenario, to_text};

/// Bytes of one object: what the store of a cluster takes at once.
const LARGEST: usize = 3 << 19;

/// What an export wrote, or would write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefacts {
    /// Texts by their paths below the export's folder.
    pub files: BTreeMap<String, String>,
    /// What the engine can't express: without it, something else is run than the scenario.
    pub left_out: Vec<String>,
    /// What the nodes' logs and metrics show, and nobody judges there.
    pub unjudged: Vec<String>,
    /// What to do with the files, line by line.
    pub how: Vec<String>,
    title: String,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The scenario can't be exported at all.
    #[error("{0}")]
    Scenario(String),
    /// A file can't be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Artefacts {
    pub(super) fn new(scenario: &Scenario, seed: u64, engine: &str, left_out: LeftOut, how: Vec<String>) -> Self {
        let title =
            format!("{}: {}\nWritten for {engine} by lockstep export, seed {seed}", scenario.name, scenario.title);
        let LeftOut { left_out, unjudged } = left_out;
        Self { files: BTreeMap::new(), left_out, unjudged, how, title }
    }

    /// What is told of it: at the head of its first file, and to who exports.
    pub fn head(&self) -> String {
        let mut head = format!("{}\n", self.title);
        for (title, lines) in [
            ("What this leaves out", &self.left_out),
            ("What nothing judges here; it can be read from the nodes' logs and metrics", &self.unjudged),
            ("How", &self.how),
        ] {
            let _ = writeln!(head, "\n{title}:{}", if lines.is_empty() { " nothing" } else { "" });
            lines.iter().for_each(|line| head.extend(["  ", line, "\n"]));
        }
        head
    }

    /// Adds a file of these documents with the head above them.
    pub(super) fn yaml<T: Serialize>(&mut self, path: &str, documents: &[T]) -> Result<(), ExportError> {
        let mut text = comment(&self.head());
        for document in documents {
            let document = to_text(document).map_err(ExportError::Scenario)?;
            if document.len() > LARGEST {
                let reason = format!("{} bytes in one object of {path} are more than a cluster takes", document.len());
                return Err(ExportError::Scenario(reason));
            }
            text.extend(["---\n", &document]);
        }
        self.files.insert(path.to_owned(), text);
        Ok(())
    }

    /// Writes all files below `folder`.
    ///
    /// # Errors
    /// The first file that can't be written.
    pub fn write(&self, folder: &Path) -> Result<(), ExportError> {
        for (path, text) in &self.files {
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(folder);
            let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text));
            written.map_err(|source| ExportError::Write { path, source })?;
        }
        Ok(())
    }
}

/// As comments of YAML and of shells, whatever is in the text.
pub(super) fn comment(text: &str) -> String {
    let plain = |line: &str| line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    text.lines().map(|line| format!("{}\n", format!("# {}", plain(line)).trim_end())).collect()
}
