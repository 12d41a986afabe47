//! The suite: the cases of `fixtures/cases`, scenario files with a `case` each.
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::trial::Trial;
use crate::scenario::file::CaseClock;
use crate::scenario::{LoadError, Scenario, find};

/// All cases, in order of their names.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The cases.
    pub cases: Vec<Arc<Scenario>>,
    /// SHA-256 over names and texts of the files, in hex: two suites with the same digest demand the same.
    pub digest: String,
    /// Where the files are.
    pub folder: PathBuf,
}

/// Why there is no suite.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// A file that can't be read, or is no scenario.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A scenario that is no case.
    #[error("{}: it has no `case`: such a scenario is for `lockstep run`", path.display())]
    NoCase {
        /// The file.
        path: PathBuf,
    },
    /// The folder is empty.
    #[error("there are no cases in {}", folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
}

impl Suite {
    /// Reads all cases below `folder`.
    ///
    /// # Errors
    /// The first file that is none.
    pub fn load(folder: &Path) -> Result<Self, CaseError> {
        let mut cases = Vec::new();
        let mut digest = Sha256::new();
        for file in find(&[folder.to_owned()])? {
            let case = Scenario::load(&file.path, folder)?;
            if case.case.is_none() {
                return Err(CaseError::NoCase { path: file.path });
            }
            for part in [&case.name, &case.source] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
            cases.push(Arc::new(case));
        }
        if cases.is_empty() {
            return Err(CaseError::Empty { folder: folder.to_owned() });
        }
        let digest = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { cases, digest, folder: folder.to_owned() })
    }

    /// What is to be tried where time is virtual, or real: each case in each of its ways.
    pub fn trials(&self, virtual_time: bool) -> Vec<Trial> {
        let runs = |case: &&Arc<Scenario>| match case.case.as_ref().map(|case| case.clock).unwrap_or_default() {
            CaseClock::Any => true,
            CaseClock::Virtual => virtual_time,
            CaseClock::Shortened => !virtual_time,
        };
        let trials = |case: &Arc<Scenario>| {
            let case = case.clone();
            case.ways().into_iter().map(move |way| Trial { case: case.clone(), way })
        };
        self.cases.iter().filter(runs).flat_map(trials).collect()
    }
}
