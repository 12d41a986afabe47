//! `lockstep replay`: from logs to a scenario, and what is told of it.
mod keep;
mod logs;
mod redact;
mod runs;

use std::path::{Path, PathBuf};

/// A line of a log.
const GOOD: &str = "2026-01-07 10:00:00.125 [mn7]  INFO Status: Height=1754, Active Masternodes=1\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// The command on these words.
fn replay(words: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = assert_cmd::Command::cargo_bin("lockstep").unwrap();
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).arg("replay").args(words).assert()
}

/// What a command printed.
fn printed(done: &assert_cmd::assert::Assert) -> String {
    let output = done.get_output();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The folder of an incident.
fn incident(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/incidents").join(name)
}

/// Logs of a shipped incident.
fn logs(name: &str) -> Vec<String> {
    let files = std::fs::read_dir(incident(name)).unwrap().map(|file| file.unwrap().path());
    let mut logs: Vec<String> =
        files.map(|path| path.display().to_string()).filter(|path| path.contains(".log")).collect();
    logs.sort();
    logs
}

#[test]
fn runs_of_an_incident_stand_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, out) = (logs("passive-node"), dir.path().display().to_string());
    let mut words: Vec<&str> = logs.iter().map(String::as_str).collect();
    words.extend(["--run", "--out", &out, "--set", "sync.enable_coordinator=false", "--format", "json"]);
    let done = replay(&words).success().get_output().clone();
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["lockstep_replay"], 1);
    let names: Vec<&str> = report["arms"].as_array().unwrap().iter().map(|arm| arm["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["as configured", "as it was", "sync.enable_coordinator=false"]);
    let page = std::fs::read_to_string(dir.path().join("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("mn13") && dir.path().join("scenario.yaml").exists());
    assert!(String::from_utf8_lossy(&done.stderr).contains("the clock of mn13 is +94.990 s off"));
    words.truncate(logs.len());
    words.extend(["--run", "--out", &out, "--set", "sync.enable_cordinator=false"]);
    let wrong = replay(&words).code(3).get_output().clone();
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("enable_cordinator"), "{wrong:?}");
}
