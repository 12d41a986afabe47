//! Scenario files on disk.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::LoadError;

/// The folder below which scenarios have their names.
const FOLDER: &str = "scenarios";

/// A scenario file, and the folder below which its path is its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// See [`super::Scenario::load`].
    pub root: PathBuf,
}

impl Found {
    /// The name that the scenario has.
    pub fn name(&self) -> String {
        name(&self.path, &self.root)
    }
}

/// The files that these paths stand for: a folder for all `.yaml` files below it. In order of path, each once.
///
/// # Errors
/// [`LoadError::Unreadable`] for a path that is missing or a folder that cannot be read.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Found>, LoadError> {
    let mut files = Vec::new();
    for path in paths {
        let root = root(path);
        let mut found = Vec::new();
        collect(path, &mut found)?;
        files.extend(found.into_iter().map(|path| Found { path, root: root.clone() }));
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// The nearest folder called `scenarios` that holds the path, else the folder itself.
fn root(path: &Path) -> PathBuf {
    let named = path.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == FOLDER));
    let here = || if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    named.unwrap_or_else(here).to_owned()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), LoadError> {
    let unreadable = |source| LoadError::Unreadable { path: path.to_owned(), source };
    if !path.metadata().map_err(unreadable)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries: io::Result<Vec<_>> = fs::read_dir(path).and_then(Iterator::collect);
    for entry in entries.map_err(unreadable)? {
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        // A link to a folder could lead round in a circle.
        if kind.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml") && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// `phase-3/01-behind-by-100` for `scenarios/phase-3/01-behind-by-100.yaml`; the bare name for a file elsewhere.
pub(super) fn name(path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).ok().filter(|below| below.file_name().is_some());
    let below = below.or(path.file_name().map(Path::new)).unwrap_or(path).with_extension("");
    below.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}
