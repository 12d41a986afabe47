//! Folders of runs that don't outlive them.
use std::fs;
use std::io;
use std::path::Path;

use crate::subject::owner::Owner;

/// Begins the names of all of them.
const PREFIX: &str = "lockstep-nodes-";

/// A folder in the system's place for temporary files. It goes with this value; what a run that was killed left behind, the next one
/// sweeps up.
#[derive(Debug)]
pub struct Shelter(tempfile::TempDir);

impl Shelter {
    /// An empty one.
    ///
    /// # Errors
    /// It can't be made.
    pub fn new() -> io::Result<Self> {
        sweep(&std::env::temp_dir());
        let owner = format!("{PREFIX}{}-", Owner::this());
        Ok(Self(tempfile::Builder::new().prefix(&owner).tempdir()?))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Removes the folders of processes that are gone.
fn sweep(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        if owner.parse::<Owner>().is_ok_and(|owner| !owner.lives()) {
            // Somebody else's, or another sweep was faster.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_runs_folder_is_swept_and_a_living_ones_is_not() {
        let place = tempfile::tempdir().unwrap();
        let names = [
            format!("{PREFIX}{}-x", Owner::this()),
            format!("{PREFIX}{}-1-x", std::process::id()),
            format!("{PREFIX}4194305-5-x"),
            "another".to_owned(),
            format!("{PREFIX}junk"),
        ];
        names.iter().for_each(|name| fs::create_dir(place.path().join(name)).unwrap());
        sweep(place.path());
        let left: Vec<bool> = names.iter().map(|name| place.path().join(name).exists()).collect();
        assert_eq!(left, [true, false, false, true, true]);
    }
}
