//! Results of several machines as one.
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::json;
use super::results::Results;
use crate::run::ScenarioResult;

/// Bytes of one file, at most.
const LARGEST: u64 = 1 << 30;

/// Why files of results are not one.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A file can't be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file holds no results, or not all of them.
    #[error("{}: {reason}; {whole} whole runs could be read", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the line.
        reason: String,
        /// Runs that could be read.
        whole: usize,
    },
    /// Two files contradict each other.
    #[error("{} contradicts {}: {reason}", two.display(), one.display())]
    Contradiction {
        /// A file.
        one: PathBuf,
        /// The other one.
        two: PathBuf,
        /// In what.
        reason: String,
    },
}

/// Reads files that `lockstep run --format json` or `lockstep merge --format json` wrote, and merges them: shards in their order, what stands
/// in several files once.
///
/// # Errors
/// A file that can't be read or that ends too early, files of different wholes, and contradictory ones.
///
/// # Panics
/// Where no file is named.
pub fn merge(files: &[PathBuf]) -> Result<Results, MergeError> {
    let mut read = files.iter().map(|path| Ok((path, read(path)?)));
    let (first, Results { mut shards, runs, mut wall_time }) = read.next().expect("there is a file")?;
    let mut all: BTreeMap<usize, (&Path, ScenarioResult)> = BTreeMap::new();
    let placed = runs.into_iter().enumerate();
    all.extend(placed.map(|(nth, run)| (shards.place(nth), (first.as_path(), run))));
    for file in read {
        let (path, more) = file?;
        let contradiction =
            |one: &Path, reason| Err(MergeError::Contradiction { one: one.to_owned(), two: path.clone(), reason });
        if (more.shards.runs, &more.shards.whole) != (shards.runs, &shards.whole) {
            return contradiction(first, "they are of different scenarios, seeds, backends or time scales".into());
        }
        if shards.of == 1 {
            shards = more.shards.clone();
        } else if more.shards.of != 1 && more.shards.of != shards.of {
            return contradiction(first, format!("shards of {} overlap those of {}", more.shards.of, shards.of));
        }
        for (nth, run) in more.runs.into_iter().enumerate() {
            match all.entry(more.shards.place(nth)) {
                Entry::Vacant(free) => drop(free.insert((path, run))),
                Entry::Occupied(mut held) => {
                    let (other, known) = held.get();
                    if let Some(reason) = difference(known, &run) {
                        return contradiction(other, reason);
                    }
                    // Any order gives the same.
                    if text(&run) < text(known) {
                        held.insert((path, run));
                    }
                }
            }
        }
        shards.here.extend(more.shards.here);
        wall_time = wall_time.max(more.wall_time);
    }
    if all.len() == shards.runs {
        // As if they had never been shared out.
        shards.of = 1;
        shards.here = [0].into();
    }
    Ok(Results { shards, runs: all.into_values().map(|(_, run)| run).collect(), wall_time })
}

fn read(path: &Path) -> Result<Results, MergeError> {
    let unreadable = |source| MergeError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let content = |reason, whole| MergeError::Content { path: path.to_owned(), reason, whole };
    let results =
        json::read(BufReader::new(file.take(LARGEST))).map_err(|(error, whole)| match error.io_error_kind() {
            Some(_) => unreadable(error.into()),
            None => content(error.to_string(), whole),
        })?;
    let (shards, runs) = (&results.shards, results.runs.len());
    match shards.count() {
        Some(count) if count == runs => Ok(results),
        _ => {
            let reason = format!("shards {:?} of {} of {} runs are not so many", shards.here, shards.of, shards.runs);
            Err(content(reason, runs))
        }
    }
}

/// In what two results of the same run differ.
fn difference(one: &ScenarioResult, two: &ScenarioResult) -> Option<String> {
    let of = |run: &ScenarioResult| format!("{} seed {} on backend {}", run.name, run.seed, run.backend);
    if of(one) != of(two) {
        return Some(format!("{} is not {}", of(two), of(one)));
    }
    (one.verdict != two.verdict).then(|| format!("{} is {}, not {}", of(two), two.verdict, one.verdict))
}

fn text(run: &ScenarioResult) -> String {
    serde_json::to_string(run).unwrap_or_default()
}
