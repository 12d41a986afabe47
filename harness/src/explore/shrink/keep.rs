//! Scenarios that are filed: whole or not at all, and never in another one's place.
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Shrunk;
use crate::scenario::{ScenarioError, Tree};

/// Files of one name, at most.
const MOST: u32 = 1_000;

/// Why a file is not written. Nothing is left of it then.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// There is one already, which stays.
    #[error("{} is there already", .0.display())]
    There(PathBuf),
    /// The file system refuses it.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or its folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The text of a regression: the small scenario with a title and a reason of its own. `found` is the command that found the failure; `seed` the
/// one with which the small scenario fails.
///
/// # Errors
/// Where the small scenario's text is none.
pub fn regression(shrunk: &Shrunk, seed: u64, found: &str) -> Result<String, ScenarioError> {
    let mut tree = Tree::parse(&shrunk.text)?;
    let why =
        format!("Found by `{found}`. It failed so: {}. Made smaller: it had {}.", shrunk.fingerprint, shrunk.from);
    tree.set("title", Tree::text(&shrunk.fingerprint.check));
    tree.set("why", Tree::text(&(why.split_whitespace().collect::<Vec<_>>().join(" ") + "\n")));
    tree.remove("seed");
    if seed != 1 {
        tree.set("seed", Tree::Leaf(seed.to_string()));
    }
    Ok(tree.to_string())
}

/// Writes a new file, with the folders that lead to it.
///
/// # Errors
/// A file that is there already, or what the file system says.
pub fn write_new(path: &Path, text: &str) -> Result<(), KeepError> {
    let written = temporary(path, text)?;
    written.persist_noclobber(path).map(|_| ()).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => KeepError::There(path.to_owned()),
        _ => KeepError::Write { path: path.to_owned(), source: error.error },
    })
}

/// Writes a file in the place of what was there.
///
/// # Errors
/// What the file system says; what was there stays then.
pub fn replace(path: &Path, text: &str) -> Result<(), KeepError> {
    let written = temporary(path, text)?;
    written.persist(path).map(|_| ()).map_err(|error| KeepError::Write { path: path.to_owned(), source: error.error })
}

/// Writes `NAME.yaml` into a folder, or `NAME-2.yaml` and so on where that is there already; tells which.
///
/// # Errors
/// What the file system says, or that there are a thousand of that name.
pub fn write_beside(folder: &Path, name: &str, text: &str) -> Result<PathBuf, KeepError> {
    let numbered = (2..=MOST).map(|number| format!("{name}-{number}.yaml"));
    let mut last = None;
    for file in std::iter::once(format!("{name}.yaml")).chain(numbered) {
        let path = folder.join(file);
        match write_new(&path, text) {
            Ok(()) => return Ok(path),
            Err(error @ KeepError::There(_)) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or(KeepError::There(folder.to_owned())))
}

/// The text in a file beside `path` that is gone again unless it gets a name.
fn temporary(path: &Path, text: &str) -> Result<tempfile::NamedTempFile, KeepError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|source| KeepError::Write { path: folder.to_owned(), source })?;
    let write = || {
        // As any file that people make, less what their mask takes away.
        let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(|source| KeepError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::explore::shrink::{Claim, Fingerprint, Size};
    use crate::scenario::Scenario;

    const TEXT: &str = "title: x\nwhy: y\nruns_for: 1m\nnodes: {a: {}}\nexpect: [reorgs: {who: [a], at_most: 0}]\n";

    fn shrunk() -> Shrunk {
        let fingerprint = Fingerprint {
            check: "never banned on node".into(),
            symptom: "seen N times".into(),
            claim: Claim::Excess,
            requirements: BTreeSet::new(),
        };
        let size = Size::of(&Scenario::parse("x", TEXT).unwrap());
        Shrunk { fingerprint, text: TEXT.into(), tries: 9, accepted: 5, from: size, to: size, smallest: true }
    }

    #[test]
    fn a_regression_says_where_it_comes_from() {
        let text = regression(&shrunk(), 7, "lockstep explore --seeds 7..=7").unwrap();
        let scenario = Scenario::parse("x", &text).unwrap();
        assert_eq!((scenario.title.as_str(), scenario.seed), ("never banned on node", 7));
        assert!(
            scenario
                .why
                .starts_with("Found by `lockstep explore --seeds 7..=7`. It failed so: never banned on node: seen")
        );
        let text = regression(&shrunk(), 1, "x").unwrap();
        assert!(!text.contains("seed:"), "{text}");
    }

    #[test]
    fn nothing_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let names: Vec<PathBuf> = ["one", "two"].map(|text| write_beside(&folder, "x", text).unwrap()).into();
        assert_eq!(names, [folder.join("x.yaml"), folder.join("x-2.yaml")]);
        let error = write_new(&names[0], "three").unwrap_err();
        assert!(error.to_string().ends_with("x.yaml is there already"), "{error}");
        assert_eq!(names.iter().map(|name| fs::read_to_string(name).unwrap()).collect::<Vec<_>>(), ["one", "two"]);
        replace(&names[0], "three").unwrap();
        assert_eq!(fs::read_to_string(&names[0]).unwrap(), "three");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing else is left");
        let mode = fs::metadata(&names[0]).unwrap().permissions().mode();
        assert_eq!(mode & 0o600, 0o600);
    }

    #[test]
    fn what_can_not_be_written_is_named_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let in_the_way = dir.path().join("file");
        fs::write(&in_the_way, "mine").unwrap();
        let error = write_beside(&in_the_way, "x", "text").unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot write {}", in_the_way.display())), "{error}");
        // A folder is no file, and what has no room is as if it had not been tried.
        let folder = dir.path().join("folder");
        fs::create_dir_all(folder.join("x.yaml")).unwrap();
        assert!(replace(&folder.join("x.yaml"), "text").is_err());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(&in_the_way).unwrap(), "mine");
    }
}
