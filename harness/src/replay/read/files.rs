//! Which files are read, in which order, and what they and their hosts are called.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{MOST_FILES, ReadError};
use super::source::STDIN;

/// Folders inside of each other, at most.
const DEEPEST: usize = 32;

/// A file to read.
#[derive(Debug, PartialEq)]
pub struct Input {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called: its name, with as many folders as tell it from others.
    pub name: String,
    /// Its host, where lines name none: its name without endings, likewise.
    pub host: String,
}

/// All files of these files and folders, each once: of folders all regular files, sorted, without hidden ones; those that were rotated come
/// before what was written later.
///
/// # Errors
/// What can't be read, or a folder without files.
pub fn find(inputs: &[PathBuf]) -> Result<Vec<Input>, ReadError> {
    let mut paths = Vec::new();
    for (input, number) in inputs.iter().zip(1..) {
        let before = paths.len();
        let nameless = || format!("argument {number}");
        let failed = |(path, source)| ReadError::Unreadable { path, nameless: nameless(), source };
        let is_folder =
            || fs::metadata(input).map_err(|source| failed((input.clone(), source))).map(|file| file.is_dir());
        if input.as_os_str() != STDIN && is_folder()? {
            walk(input, DEEPEST, &mut paths).map_err(failed)?;
            if paths.len() == before {
                return Err(ReadError::NoFiles { path: input.clone(), nameless: nameless() });
            }
        } else {
            paths.push(input.clone());
        }
        if paths.len() > MOST_FILES {
            return Err(ReadError::TooManyFiles);
        }
    }
    let mut seen = BTreeSet::new();
    paths.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    Ok(named(in_order(paths)))
}

/// All files of a folder; where one can't be read, which one, and why.
fn walk(folder: &Path, deepest: usize, paths: &mut Vec<PathBuf>) -> Result<(), (PathBuf, io::Error)> {
    let failed = |source| (folder.to_owned(), source);
    let entries = fs::read_dir(folder).map_err(failed)?.collect::<io::Result<Vec<_>>>().map_err(failed)?;
    let mut entries: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    entries.sort();
    for path in entries.into_iter().filter(|path| !name(path).starts_with('.')) {
        match fs::metadata(&path) {
            Ok(file) if file.is_dir() && deepest > 0 => walk(&path, deepest - 1, paths)?,
            Ok(file) if file.is_file() && paths.len() <= MOST_FILES => paths.push(path),
            _ => {}
        }
    }
    Ok(())
}

/// Those of one log together, the oldest first; else as they come.
fn in_order(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let log = |path: &Path| (path.parent().map(Path::to_owned), stem(&name(path)).0.to_owned());
    let mut first = BTreeMap::new();
    paths.iter().enumerate().for_each(|(index, path)| {
        first.entry(log(path)).or_insert(index);
    });
    let mut sorted = paths;
    sorted.sort_by_key(|path| (first[&log(path)], std::cmp::Reverse(stem(&name(path)).1)));
    sorted
}

fn named(paths: Vec<PathBuf>) -> Vec<Input> {
    let parts = |path: &Path| -> Vec<String> {
        path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
    };
    let log = |path: &Path| {
        let mut parts = parts(path);
        if let Some(last) = parts.last_mut() {
            *last = if last == STDIN { "stdin" } else { stem(last).0 }.to_owned();
        }
        parts
    };
    let names = shortest(paths.iter().map(|path| parts(path)), "/");
    let hosts = shortest(paths.iter().map(|path| log(path)), "-");
    let input = |path: PathBuf| {
        let (name, host) = (names[&parts(&path)].clone(), hosts[&log(&path)].clone());
        Input { path, name, host }
    };
    paths.into_iter().map(input).collect()
}

/// For each path the last of its parts, as many as tell it from the others.
fn shortest(paths: impl Iterator<Item = Vec<String>>, between: &str) -> BTreeMap<Vec<String>, String> {
    let paths: BTreeSet<Vec<String>> = paths.collect();
    let mut short = BTreeMap::new();
    let end = |path: &[String], length: usize| path[path.len().saturating_sub(length)..].join(between);
    for length in 1..=paths.iter().map(Vec::len).max().unwrap_or(0) {
        let mut count: BTreeMap<String, u32> = BTreeMap::new();
        paths.iter().for_each(|path| *count.entry(end(path, length)).or_default() += 1);
        for path in paths.iter().filter(|path| count[&end(path, length)] == 1 || path.len() == length) {
            short.entry(path.clone()).or_insert_with(|| end(path, length));
        }
    }
    short
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// A name without its endings, and how long ago it was rotated: `x.log.2.gz` by number, `x.log-20251226` by day.
fn stem(name: &str) -> (&str, u32) {
    let ending =
        |text: &'static [&str]| move |name: &str| text.iter().find_map(|ending| Some(name.strip_suffix(ending)?.len()));
    let (packed, text) = (ending(&[".gz", ".zst"]), ending(&[".log", ".txt", ".json", ".jsonl", ".out"]));
    let name = &name[..packed(name).filter(|length| *length > 0).unwrap_or(name.len())];
    let rotated = name.rsplit_once(['.', '-']).filter(|(before, _)| text(before).is_some());
    let (name, age) =
        match rotated.and_then(|(before, number)| Some((before, number.len(), number.parse::<u32>().ok()?))) {
            Some((before, 8, day)) => (before, u32::MAX - day),
            Some((before, 1..=3, number)) => (before, number),
            _ => (name, 0),
        };
    (&name[..text(name).filter(|length| *length > 0).unwrap_or(name.len())], age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_endings_are_hosts() {
        for (name, wanted) in [
            ("node-b.log", ("node-b", 0)),
            ("node-b.log.2.gz", ("node-b", 2)),
            ("LW-Ohio.log-20251226.zst", ("LW-Ohio", u32::MAX - 20_251_226)),
            ("10.0.0.2.txt", ("10.0.0.2", 0)),
            ("mn.5", ("mn.5", 0)),
            ("mn-5.log", ("mn-5", 0)),
            ("x.log.gz", ("x", 0)),
            (".gz", (".gz", 0)),
            (".log", (".log", 0)),
            ("-", ("-", 0)),
        ] {
            assert_eq!(stem(name), wanted, "{name}");
        }
    }

    #[test]
    fn folders_are_read_sorted_and_rotated_logs_from_the_oldest_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in ["b/x.log", "b/x.log.1", "b/x.log.2.gz", "b/.hidden", "a/x.log", "c.log", "b/deep/er/y.txt"] {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), "x").unwrap();
        }
        let found = find(&[path("c.log"), dir.path().to_owned(), STDIN.into()]).unwrap();
        let names: Vec<&str> = found.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["c.log", "a/x.log", "y.txt", "x.log.2.gz", "x.log.1", "b/x.log", "-"]);
        let hosts: Vec<&str> = found.iter().map(|file| file.host.as_str()).collect();
        assert_eq!(hosts, ["c", "a-x", "y", "b-x", "b-x", "b-x", "stdin"]);
        fs::create_dir(path("none")).unwrap();
        assert!(matches!(find(&[path("none")]), Err(ReadError::NoFiles { .. })));
        assert!(find(&[path("missing")]).unwrap_err().is_environment());
    }
}
