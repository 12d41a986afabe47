//! The command's own behaviour: what it prints, and its exit codes.
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;

const GOOD: &str = "title: A good one\nwhy: It is\nrequirements: [MNS-SC-01]\nruns_for: 1m\nnodes: {a: {}}\n\
    expect:\n  - reorgs: {who: [a], at_most: 0}\n";

/// The command in a folder of its own.
fn lockstep(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("lockstep").unwrap();
    command.current_dir(folder);
    command
}

fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn list_shows_name_requirements_and_title() {
    let folder = folder_with(&[("scenarios/sync/good.yaml", GOOD), ("scenarios/notes.txt", "no scenario")]);
    lockstep(folder.path()).arg("list").assert().code(0).stdout(
        "NAME       REQUIREMENTS  TITLE\n\
         sync/good  MNS-SC-01     A good one\n",
    );
    lockstep(folder.path()).args(["list", "scenarios/sync/good.yaml"]).assert().code(0).stdout(contains("sync/good"));
}

#[test]
fn a_wrong_file_does_not_hide_the_others() {
    let folder = folder_with(&[("scenarios/a.yaml", "title: [\n"), ("scenarios/good.yaml", GOOD)]);
    lockstep(folder.path())
        .arg("list")
        .assert()
        .code(3)
        .stdout(contains("A good one"))
        .stderr(contains("scenarios/a.yaml:1:").and(contains("^")));
}

#[test]
fn a_missing_path_is_the_environments_fault() {
    let folder = folder_with(&[]);
    for args in [vec!["list"], vec!["list", "nowhere"], vec!["explain", "x"], vec!["explain", "MNS-SC-01"]] {
        lockstep(folder.path()).args(&args).assert().code(4).stderr(contains("cannot read"));
    }
}

#[test]
fn wrong_arguments_are_bad_content() {
    let folder = folder_with(&[]);
    lockstep(folder.path()).arg("lst").assert().code(3).stderr(contains("list"));
    lockstep(folder.path()).assert().code(3);
    lockstep(folder.path()).arg("--help").assert().code(0).stdout(contains("Usage"));
}

#[test]
fn explain_tells_a_scenario_in_words() {
    let text = GOOD.replace(
        "nodes: {a: {}}",
        "nodes: {a: {}, b: {chain: main@9}}\ntimeline: [{at: 5s, do: {kill: {who: [b], for: 3s}}}]",
    );
    let folder = folder_with(&[("scenarios/sync/good.yaml", &text)]);
    for name in ["sync/good", "scenarios/sync/good.yaml"] {
        lockstep(folder.path()).args(["explain", name]).assert().code(0).stdout(
            contains("A good one")
                .and(contains("node b (10.0.0.2) at main@9"))
                .and(contains("5s  kill b, for 3s"))
                .and(contains("More than 5 behind the whitelisted median"))
                .and(contains("a reorganise at most 0 times")),
        );
    }
    let wrong = lockstep(folder.path()).args(["explain", "sync/god"]).assert();
    wrong.code(3).stderr(contains("did you mean `sync/good`?"));
}

#[test]
fn explain_tells_a_requirement_and_its_scenarios() {
    let folder = folder_with(&[("scenarios/sync/good.yaml", GOOD)]);
    let told = lockstep(folder.path()).args(["explain", "mns-sc-01"]).assert();
    told.code(0).stdout(contains("MNS-SC-01 (MUST)").and(contains("sync/good  A good one")));
    let told = lockstep(folder.path()).args(["explain", "MNS-SC-02"]).assert();
    told.code(0).stdout(contains("Scenarios:\n  none"));
    let wrong = lockstep(folder.path()).args(["explain", "MNS-SC-1"]).assert();
    wrong.code(3).stderr(contains("did you mean `MNS-SC-01`?"));
}

#[test]
fn schema_is_json_with_the_keys_and_patterns_of_the_file() {
    let folder = folder_with(&[]);
    let output = lockstep(folder.path()).arg("schema").assert().code(0).get_output().stdout.clone();
    let schema: serde_json::Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let required: Vec<_> = schema["required"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
    assert_eq!(required, ["title", "why", "runs_for", "nodes", "expect"]);
    assert_eq!(schema["properties"]["runs_for"]["$ref"], "#/$defs/Span");
    assert!(schema["$defs"]["Span"]["pattern"].as_str().unwrap().contains("ms|s|m|h|d"));
    assert!(schema["$defs"]["Deviation"]["oneOf"].as_array().unwrap().len() > 10);
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    use std::process::Stdio;
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("lockstep"))
        .arg("schema")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
