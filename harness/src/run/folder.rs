//! A run's folder: `DIR/NAME-seedN/` with `scenario.yaml`, `seed`, `history.jsonl`, `logs/NODE.log` and `verdict.json`.
//!
//! `verdict.json` is a run of the JSON report with `lockstep_verdict`, its version, beside its keys.
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::history::{self, History, HistoryError, What, seconds};

use super::ScenarioResult;

/// Version of `verdict.json`.
const VERSION: u32 = 1;

/// Why a run's files couldn't be written: the environment, not the scenario.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}")]
pub struct FolderError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the file system says.
    pub source: io::Error,
}

/// Where a run's files go. A name's folders are kept; what would lead out of `dir` is not.
pub fn place(dir: &Path, name: &str, seed: u64) -> PathBuf {
    let named = format!("{name}-seed{seed}");
    let inside = Path::new(&named).components().filter(|part| matches!(part, Component::Normal(_)));
    dir.join(inside.collect::<PathBuf>())
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
        }
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
