//! A run's folder: `DIR/NAME-seedN/` with `scenario.yaml`, `seed`, `history.jsonl`, `logs/NODE.log` and `verdict.json`.
//!
//! `verdict.json` is a run of the JSON report with `lockstep_verdict`, its version, beside its keys. Whoever tells of the run adds its page.
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::history::{self, History, HistoryError, What, seconds};

use super::ScenarioResult;

/// Version of `verdict.json`.
const VERSION: u32 = 1;
/// The largest history that is read back, in bytes: in memory it takes some four times as much.
const LARGEST: u64 = 512 << 20;

/// Why a run's files couldn't be written: the environment, not the scenario.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}")]
pub struct FolderError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the file system says.
    pub source: io::Error,
}

/// Why a run's folder can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the file system says.
        source: io::Error,
    },
    /// A file says something else than it should.
    #[error("{path}: {reason}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
}

/// Reads a run's result, its history and its scenario's text back.
///
/// # Errors
/// The first file that can't be read, that is cut off, of another version or too large.
pub fn read(folder: &Path) -> Result<(ScenarioResult, History, String), ReadError> {
    let open = |path: &Path| {
        let unreadable = |source| ReadError::Unreadable { path: path.into(), source };
        let file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        if length > LARGEST {
            let reason = format!("{} MiB: more than {} MiB are not read", length >> 20, LARGEST >> 20);
            return Err(ReadError::Content { path: path.into(), reason });
        }
        Ok(BufReader::new(file))
    };
    let path = folder.join("verdict.json");
    let wrong = |reason| ReadError::Content { path: path.clone(), reason };
    let told: serde_json::Value = serde_json::from_reader(open(&path)?).map_err(|error| wrong(error.to_string()))?;
    match told.get("lockstep_verdict").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(VERSION) => {}
        Some(version) => return Err(wrong(format!("version {version} of the format, this program reads {VERSION}"))),
        None => return Err(wrong("no verdict of a run: `lockstep_verdict` is missing".to_owned())),
    }
    let result = ScenarioResult::deserialize(told).map_err(|error| wrong(error.to_string()))?;
    let path = folder.join("history.jsonl");
    let history = history::read(open(&path)?).map_err(|error| match error {
        HistoryError::Io(source) => ReadError::Unreadable { path: path.clone(), source },
        line @ HistoryError::Line { .. } => ReadError::Content { path: path.clone(), reason: line.to_string() },
    })?;
    let path = folder.join("scenario.yaml");
    let mut source = String::new();
    open(&path)?.read_to_string(&mut source).map_err(|source| ReadError::Unreadable { path, source })?;
    Ok((result, history, source))
}

/// Where a run's files go. A name's folders are kept; what would lead out of `dir` is not.
pub fn place(dir: &Path, name: &str, seed: u64) -> PathBuf {
    let named = format!("{name}-seed{seed}");
    let inside = Path::new(&named).components().filter(|part| matches!(part, Component::Normal(_)));
    dir.join(inside.collect::<PathBuf>())
}

/// Writes one more file into a run's folder, and returns its path.
///
/// # Errors
/// Where it can't be written.
pub fn add(folder: &Path, name: &str, content: &str) -> Result<PathBuf, FolderError> {
    let path = folder.join(name);
    file(&path, |to| to.write_all(content.as_bytes()))?;
    Ok(path)
}

/// Writes a run's files below `dir` and returns their folder. Files of an earlier run of the same name and seed are replaced.
///
/// # Errors
/// The first file or folder that can't be written.
pub fn write(dir: &Path, result: &ScenarioResult, source: &str, history: &History) -> Result<PathBuf, FolderError> {
    let folder = place(dir, &result.name, result.seed);
    let logs = folder.join("logs");
    fs::create_dir_all(&logs).map_err(|source| FolderError { path: logs.clone(), source })?;
    file(&folder.join("scenario.yaml"), |to| to.write_all(source.as_bytes()))?;
    file(&folder.join("seed"), |to| writeln!(to, "{}", result.seed))?;
    file(&folder.join("history.jsonl"), |to| {
        history::write(history, to).map_err(|error| match error {
            HistoryError::Io(error) => error,
            line @ HistoryError::Line { .. } => io::Error::other(line),
        })
    })?;
    for (node, lines) in lines(history) {
        file(&logs.join(format!("{}.log", node.replace(['/', '\\'], "_"))), |to| to.write_all(lines.as_bytes()))?;
    }
    file(&folder.join("verdict.json"), |to| {
        let alone = Alone { lockstep_verdict: VERSION, run: result };
        serde_json::to_writer_pretty(&mut *to, &alone)?;
        writeln!(to)
    })?;
    Ok(folder)
}

#[derive(Serialize)]
struct Alone<'a> {
    lockstep_verdict: u32,
    #[serde(flatten)]
    run: &'a ScenarioResult,
}

fn file(path: &Path, content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), FolderError> {
    let write = || {
        let mut to = BufWriter::new(File::create(path)?);
        content(&mut to)?;
        to.flush()
    };
    write().map_err(|source| FolderError { path: path.into(), source })
}

/// Each node's log: time since the start, level, message. It begins with what the harness notes: whose it is.
fn lines(history: &History) -> BTreeMap<&str, String> {
    let logged = history.observations().iter().filter(|seen| matches!(seen.what, What::Log { .. }));
    let begin = |node: &str| {
        let ip = history.meta().ip_of(node).unwrap_or_default();
        format!("{:>12} {:>5} this is {node} at {ip}\n", seconds(Duration::ZERO), "NOTE")
    };
    let mut logs: BTreeMap<&str, String> = logged.map(|seen| (seen.source.as_str(), begin(&seen.source))).collect();
    for seen in history.observations() {
        if let What::Log { level, text, .. } = &seen.what {
            let line = format!("{:>12} {level:>5} {text}\n", seconds(seen.at));
            logs.entry(&seen.source).or_default().push_str(&line);
        }
    }
    logs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;
    use crate::history::build::history;

    fn failed() -> ScenarioResult {
        ScenarioResult {
            name: "phase-3/01-behind-by-100".into(),
            title: "A node 100 behind syncs".into(),
            requirements: vec!["MNS-SC-01".into()],
            seed: 2,
            verdict: Verdict::Fail,
            findings: Vec::new(),
            convergence: Vec::new(),
            backend: "sim".into(),
            time_scale: 1,
            virtual_time: Duration::from_secs(600),
            wall_time: Duration::from_millis(100),
            faults: Vec::new(),
            folder: None,
            repeat: "lockstep run scenarios/phase-3/01-behind-by-100.yaml --seed 2".into(),
        }
    }

    #[test]
    fn a_run_leaves_all_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let history = history().at(30_000).text("a", "behind", "We're at height 1000", "our=1000").ended();
        let result = &failed();
        for _ in 0..2 {
            let folder = write(dir.path(), result, "title: x\n", &history).unwrap();
            assert_eq!(folder, dir.path().join("phase-3/01-behind-by-100-seed2"));
            let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
            assert_eq!(text("scenario.yaml"), "title: x\n");
            assert_eq!(text("seed"), "2\n");
            assert_eq!(
                text("logs/a.log"),
                "     0.000 s  NOTE this is a at 10.0.0.1\n    30.000 s  INFO We're at height 1000\n"
            );
            assert_eq!(history::read(text("history.jsonl").as_bytes()).unwrap(), history);
            let verdict: serde_json::Value = serde_json::from_str(&text("verdict.json")).unwrap();
            assert_eq!(verdict["lockstep_verdict"], 1);
            assert_eq!(verdict["verdict"], "fail");
            assert_eq!(verdict["repeat"], result.repeat);
            let (read, seen, source) = read(&folder).unwrap();
            assert_eq!(source, "title: x\n");
            assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(result).unwrap());
            assert_eq!(seen, history);
        }
    }

    #[test]
    fn a_folder_that_is_no_run_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let history = history().at(30_000).text("a", "behind", "We're at height 1000", "our=1000").ended();
        let folder = write(dir.path(), &failed(), "title: x\n", &history).unwrap();
        let whole = ["verdict.json", "history.jsonl"].map(|name| fs::read_to_string(folder.join(name)).unwrap());
        let last = whole[1].lines().count();
        let cases = [
            ("verdict.json", String::new(), "verdict.json: EOF while parsing a value at line 1"),
            ("verdict.json", "{}".into(), "verdict.json: no verdict of a run"),
            ("verdict.json", whole[0].replace("verdict\": 1", "verdict\": 2"), "verdict.json: version 2 of the format"),
            ("history.jsonl", String::new(), "history.jsonl: line 1: the header is missing"),
            ("history.jsonl", whole[1].replace("history\":1", "history\":9"), "history.jsonl: line 1: version 9"),
            ("history.jsonl", whole[1][..whole[1].len() - 20].to_owned(), &format!("history.jsonl: line {last}: ")),
        ];
        for (name, text, expected) in cases {
            fs::write(folder.join(name), text).unwrap();
            let error = read(&folder).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            for (name, text) in ["verdict.json", "history.jsonl"].iter().zip(&whole) {
                fs::write(folder.join(name), text).unwrap();
            }
        }
        File::create(folder.join("history.jsonl")).unwrap().set_len(1 << 30).unwrap();
        let error = read(&folder).unwrap_err().to_string();
        assert!(error.ends_with("1024 MiB: more than 512 MiB are not read"), "{error}");
        let error = read(dir.path()).unwrap_err().to_string();
        assert!(error.starts_with("cannot read "), "{error}");
    }

    #[test]
    fn a_place_that_can_not_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let in_the_way = dir.path().join("file");
        fs::write(&in_the_way, "").unwrap();
        let error = write(&in_the_way, &failed(), "", &history().ended()).unwrap_err();
        assert!(error.to_string().starts_with("cannot write "), "{error}");
        assert!(error.path.starts_with(&in_the_way));
    }

    #[test]
    fn a_name_does_not_lead_out() {
        let path = |name| place(Path::new("out"), name, 7);
        assert_eq!(path("a/b"), Path::new("out/a/b-seed7"));
        assert_eq!(path("../../etc/x"), Path::new("out/etc/x-seed7"));
        assert_eq!(path("/etc/x"), Path::new("out/etc/x-seed7"));
        assert_eq!(path(""), Path::new("out/-seed7"));
    }
}
