//! Reading logs: files of any form, as a stream.
//!
//! `files` finds them, `source` unpacks and `lines` cuts them, `line` takes a line apart (`stamp`, `structured`), `clock` and `hosts` say when and who,
//! `patterns` what (`template`); `log` goes through a file with these, and counts what nobody knows (`kinds`).
mod clock;
mod error;
mod files;
mod hosts;
mod kinds;
mod line;
mod lines;
mod log;
mod patterns;
mod source;
mod stamp;
mod structured;
mod template;
mod text;
mod wrapped;

use std::path::{Path, PathBuf};

use clock::Clock;
use files::Input;
use hosts::Hosts;
use kinds::Kinds;
use lines::Lines;
use log::{Log, Shared};
use patterns::Patterns;

pub use error::{Flaw, ReadError};
pub use kinds::Kind;
pub use line::Form;
pub use log::FileRead;

use super::told::Told;

/// How logs are read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Hosts by file, for lines that name none. A file is named by its path, or as it is called in [`Reading::files`].
    pub hosts: Vec<(PathBuf, String)>,
    /// The year of each file's first line, where lines have none. Default: the last in which it isn't later than the file's last change.
    pub year: Option<i16>,
    /// A file of patterns, which go before the shipped ones.
    pub patterns: Option<PathBuf>,
    /// What is wrong with a log is noted, and what can be read of it is used.
    pub lenient: bool,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The files, in the order in which they were read: [`super::told::Place::file`] is the index.
    pub files: Vec<FileRead>,
    /// Who wrote their lines: [`Told::host`] is the index. At most 1000; further ones are one, `other-hosts`.
    pub hosts: Vec<String>,
    /// For each host the files with its lines.
    pub host_files: Vec<Vec<u16>>,
    /// Kinds of lines that no pattern knows, the commonest first; at most 1000.
    pub not_understood: Vec<Kind>,
    /// Lines of further kinds.
    pub other_kinds: u64,
}

impl Reading {
    /// The files' names.
    pub fn names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.name.clone()).collect()
    }
}

/// Reads files, folders (all regular files in them, sorted, but hidden ones) and standard input (`-`), packed or not, and hands each event
/// to `tell`, in order of files and lines.
///
/// # Errors
/// The patterns or a file can't be read, or something is wrong with a log: with [`Options::lenient`] only what leaves nothing to go on with.
pub fn read(inputs: &[PathBuf], options: &Options, tell: &mut dyn FnMut(&Told<'_>)) -> Result<Reading, ReadError> {
    let patterns = Patterns::load(options.patterns.as_deref())?;
    let inputs = files::find(inputs)?;
    if let Some((path, _)) = options.hosts.iter().find(|(path, _)| !inputs.iter().any(|input| is(input, path))) {
        return Err(ReadError::HostOfNone(path.clone()));
    }
    let (clock, hosts, kinds) = (Clock::new(options.year), Hosts::default(), Kinds::default());
    let mut shared = Shared { patterns: &patterns, clock, hosts, kinds, tell };
    let mut files = Vec::with_capacity(inputs.len());
    for (input, index) in inputs.iter().zip(0..) {
        let file = one(input, index, options, &mut shared)?;
        match file.problems.first() {
            Some((line, flaw)) if !options.lenient => {
                return Err(ReadError::Log { name: file.name, line: *line, flaw: flaw.clone() });
            }
            _ => files.push(file),
        }
    }
    let (hosts, host_files) = shared.hosts.finish();
    let (not_understood, other_kinds) = shared.kinds.finish();
    Ok(Reading { files, hosts, host_files, not_understood, other_kinds })
}

fn is(input: &Input, path: &Path) -> bool {
    input.path == path || Path::new(&input.name) == path
}

fn one(input: &Input, index: u16, options: &Options, shared: &mut Shared<'_>) -> Result<FileRead, ReadError> {
    let unreadable = |source| ReadError::Unreadable { path: input.path.clone(), source };
    let (from, changed) = source::open(&input.path).map_err(unreadable)?;
    shared.clock.open(changed);
    let given = options.hosts.iter().find(|(path, _)| is(input, path)).map(|(_, host)| host.as_str());
    let mut log = Log::new(shared, index, &input.name, given.unwrap_or(&input.host), given.is_some());
    let mut lines = Lines::new(from);
    if !log.begin(lines.beginning()) && !options.lenient {
        return Ok(log.end(0, None));
    }
    let mut room = String::new();
    while let Some(line) = lines.next() {
        log.line(&line, &mut room);
    }
    match lines.failed.take() {
        // The system's errors have a number, those of who unpacks have none.
        Some(source) if source.raw_os_error().is_some() && !options.lenient => Err(unreadable(source)),
        failed => Ok(log.end(lines.bytes, failed)),
    }
}
