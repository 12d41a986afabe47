//! Results of a campaign, as lines of JSON: a head, and a line for each stretch of seeds that was played. Lines of one campaign merge in any
//! order, from any number of files, to the same.
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::marks::Marks;
use super::shrink::Fingerprint;
use super::trial::{Failure, Outcome};
use crate::check::Verdict;

/// Version of the format.
const VERSION: u32 = 1;

/// Bytes of the longest line that is read.
const LONGEST: u64 = 64 << 20;

/// What a campaign is of: lines of another one don't go together with its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Version of the format.
    pub lockstep_explore: u32,
    /// Lockstep's own: another one may draw and play otherwise.
    pub version: String,
    /// What is drawn, in words.
    pub limits: String,
    /// The defect that is looked for, by name.
    pub mutant: Option<String>,
}

/// What came of the seeds from the first to before the last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// The first seed.
    pub from: u64,
    /// The one after the last.
    pub to: u64,
    /// Runs by verdict.
    pub verdicts: BTreeMap<String, u64>,
    /// Milliseconds of simulated time.
    pub simulated_ms: u64,
    /// What was reached.
    pub marks: Marks,
    /// How long things took.
    pub ledger: Ledger,
    /// Seeds that failed.
    pub failures: Vec<Failure>,
    /// Seeds that were neither passed nor failed, and why.
    pub undecided: BTreeMap<u64, String>,
}

/// Why results can't be had.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// The file can't be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What a file holds is no result of a campaign.
    #[error("{path}:{line}: {reason}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// Files of different campaigns.
    #[error("{path}: of another campaign: {what}")]
    Other {
        /// Which file.
        path: PathBuf,
        /// What is different.
        what: String,
    },
    /// Seeds that are told twice, and not equally.
    #[error("{path}:{line}: seeds {from} to {to} overlap with others that are told elsewhere")]
    Overlap {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// The first seed.
        from: u64,
        /// The last one.
        to: u64,
    },
}

/// A campaign so far.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// What it is of; `None`: nothing was read.
    pub head: Option<Head>,
    stretches: BTreeMap<u64, Stretch>,
    whole: Stretch,
}

impl Head {
    /// Of this version of Lockstep.
    pub fn new(limits: String, mutant: Option<String>) -> Self {
        Self { lockstep_explore: VERSION, version: env!("CARGO_PKG_VERSION").to_owned(), limits, mutant }
    }

    /// What is different in another, in words.
    fn differs(&self, other: &Self) -> Option<String> {
        let differs =
            |name: &str, ours: &str, theirs: &str| (ours != theirs).then(|| format!("{name} `{theirs}`, not `{ours}`"));
        let mutant = |head: &Self| head.mutant.clone().unwrap_or_else(|| "none".to_owned());
        differs("version", &self.version, &other.version)
            .or_else(|| differs("limits", &self.limits, &other.limits))
            .or_else(|| differs("defect", &mutant(self), &mutant(other)))
    }
}

impl Stretch {
    /// None yet, from this seed on.
    pub fn at(seed: u64) -> Self {
        Self { from: seed, to: seed, ..Self::default() }
    }

    /// Takes over what came of the next seed.
    pub fn add(&mut self, outcome: Outcome) {
        *self.verdicts.entry(outcome.verdict.to_string()).or_default() += 1;
        self.simulated_ms += outcome.simulated.as_millis() as u64;
        self.marks.merge(&outcome.marks);
        self.ledger.merge(&outcome.ledger);
        self.failures.extend(outcome.failure);
        outcome.undecided.into_iter().for_each(|why| {
            self.undecided.insert(self.to, why);
        });
        self.to += 1;
    }

    fn is_sound(&self) -> bool {
        let told: Option<u64> = self.verdicts.values().try_fold(0_u64, |sum, count| sum.checked_add(*count));
        self.from < self.to && told == Some(self.to - self.from)
    }
}

impl Results {
    /// Reads a file and adds what it tells. A last line without an end is what was being written when its campaign was ended: it is left out, and
    /// its place is returned.
    ///
    /// # Errors
    /// A file that can't be read, that holds something else, or that doesn't go together with what was read before.
    pub fn read(&mut self, path: &Path) -> Result<Option<u64>, ResultsError> {
        let io_error = |source| ResultsError::Io { path: path.to_owned(), source };
        let mut from = BufReader::new(File::open(path).map_err(io_error)?);
        let mut place = 0;
        for line in 1.. {
            let mut text = Vec::new();
            let read = from.by_ref().take(LONGEST).read_until(b'\n', &mut text).map_err(io_error)?;
            if read == 0 {
                break;
            }
            let wrong = |reason: String| ResultsError::Line { path: path.to_owned(), line, reason };
            if text.last() != Some(&b'\n') {
                if read as u64 == LONGEST {
                    return Err(wrong(format!("a line of more than {LONGEST} bytes")));
                }
                return Ok(Some(place));
            }
            if line == 1 {
                let head = serde_json::from_slice(&text)
                    .map_err(|error| wrong(format!("no head of a campaign's results: {error}")))?;
                self.begin(head, path)?;
            } else {
                let stretch: Stretch = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
                if !stretch.is_sound() {
                    return Err(wrong("its seeds and verdicts are not equally many".to_owned()));
                }
                let (from, to) = (stretch.from, stretch.to - 1);
                if !self.add(stretch) {
                    return Err(ResultsError::Overlap { path: path.to_owned(), line, from, to });
                }
            }
            place += read as u64;
        }
        Ok(None)
    }

    fn begin(&mut self, head: Head, path: &Path) -> Result<(), ResultsError> {
        let other = |what| ResultsError::Other { path: path.to_owned(), what };
        if head.lockstep_explore != VERSION {
            return Err(other(format!("format {}, not {VERSION}", head.lockstep_explore)));
        }
        match &self.head {
            Some(ours) => ours.differs(&head).map_or(Ok(()), |what| Err(other(what))),
            None => {
                self.head = Some(head);
                Ok(())
            }
        }
    }

    /// Adds a stretch; `false` where some of its seeds were told already, but not all of them in the same way.
    pub fn add(&mut self, stretch: Stretch) -> bool {
        if self.stretches.get(&stretch.from) == Some(&stretch) {
            return true;
        }
        let before = self.stretches.range(..stretch.to).next_back();
        if before.is_some_and(|(_, before)| before.to > stretch.from) {
            return false;
        }
        self.whole.merge(&stretch);
        self.stretches.insert(stretch.from, stretch);
        true
    }

    /// Whether a seed was played.
    pub fn has(&self, seed: u64) -> bool {
        self.stretches.range(..=seed).next_back().is_some_and(|(_, stretch)| stretch.to > seed)
    }

    /// All together, as if it were one stretch.
    pub fn whole(&self) -> &Stretch {
        &self.whole
    }
}

impl Stretch {
    /// Takes over another one, wherever it is.
    fn merge(&mut self, other: &Self) {
        (self.from, self.to) = match self.verdicts.is_empty() {
            true => (other.from, other.to),
            false => (self.from.min(other.from), self.to.max(other.to)),
        };
        for (verdict, count) in &other.verdicts {
            *self.verdicts.entry(verdict.clone()).or_default() += count;
        }
        self.simulated_ms += other.simulated_ms;
        self.marks.merge(&other.marks);
        self.ledger.merge(&other.ledger);
        self.failures.extend(other.failures.iter().cloned());
        self.failures.sort_by_key(|failure| failure.seed);
        self.undecided.extend(other.undecided.clone());
    }

    /// Seeds that were played.
    pub fn count(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// Simulated time in words.
    pub fn simulated(&self) -> String {
        let days = self.simulated_ms as f64 / 86_400_000.0;
        if days < 365.0 { format!("{days:.1} simulated days") } else { format!("{:.1} simulated years", days / 365.25) }
    }

    /// The verdict on all of them: nothing that was played shows nothing.
    pub fn verdict(&self) -> Verdict {
        match () {
            () if !self.failures.is_empty() => Verdict::Fail,
            () if !self.undecided.is_empty() || self.count() == 0 => Verdict::Inconclusive,
            () => Verdict::Pass,
        }
    }

    /// Failures by what fails: how many seeds, and the first.
    pub fn by_fingerprint(&self) -> BTreeMap<&Fingerprint, (u64, &Failure)> {
        let mut found: BTreeMap<&Fingerprint, (u64, &Failure)> = BTreeMap::new();
        for failure in &self.failures {
            let entry = found.entry(&failure.fingerprint).or_insert((0, failure));
            entry.0 += 1;
            if failure.seed < entry.1.seed {
                entry.1 = failure;
            }
        }
        found
    }

    /// Runs with a verdict.
    pub fn of(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(&verdict.to_string()).copied().unwrap_or(0)
    }
}

/// A file that a campaign's lines are added to.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    file: File,
}

impl ResultsFile {
    /// Opens `path` to go on after `end`, where that is given, else at its end; a new or empty one gets the head.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn open(path: &Path, head: &Head, end: Option<u64>) -> Result<Self, ResultsError> {
        let io_error = |source| ResultsError::Io { path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().create(true).truncate(false).write(true).read(true).open(path).map_err(io_error)?;
        if let Some(end) = end {
            file.set_len(end).map_err(io_error)?;
        }
        let end = file.seek(SeekFrom::End(0)).map_err(io_error)?;
        let mut results = Self { path: path.to_owned(), file };
        if end == 0 {
            results.line(head)?;
        }
        Ok(results)
    }

    /// Adds a stretch.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn add(&mut self, stretch: &Stretch) -> Result<(), ResultsError> {
        self.line(stretch)
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), ResultsError> {
        let mut text = serde_json::to_vec(line).map_err(io::Error::from);
        if let Ok(text) = &mut text {
            text.push(b'\n');
        }
        let written = text.and_then(|text| self.file.write_all(&text));
        written.map_err(|source| ResultsError::Io { path: self.path.clone(), source })
    }
}
