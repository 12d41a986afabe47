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

#[test]
fn a_new_scenario_has_its_schema_beside_it_and_replaces_nothing() {
    let folder = folder_with(&[]);
    let new = ["new", "mine/it's.yaml", "--fork", "15", "--fault", "kill"];
    lockstep(folder.path()).args(new).assert().code(0).stdout(contains(r"lockstep run 'mine/it'\''s.yaml' --seed 1"));
    let text = fs::read_to_string(folder.path().join("mine/it's.yaml")).unwrap();
    let schema = text.lines().next().and_then(|line| line.strip_prefix("# yaml-language-server: $schema=")).unwrap();
    assert!(folder.path().join("mine").join(schema).is_file(), "{schema}");
    lockstep(folder.path()).args(new).assert().code(3).stderr(contains("is there already"));
    assert_eq!(fs::read_to_string(folder.path().join("mine/it's.yaml")).unwrap(), text);
}

#[test]
fn a_page_is_made_of_a_runs_folder_alone() {
    let folder = folder_with(&[("good.yaml", GOOD)]);
    let lockstep = |args: &[&str]| lockstep(folder.path()).args(args).assert();
    lockstep(&["run", "good.yaml"]).code(0);
    let page = folder.path().join("lockstep-runs/good-seed1/report.html");
    let written = fs::read_to_string(&page).unwrap();
    fs::remove_file(&page).unwrap();
    lockstep(&["report", "lockstep-runs/good-seed1"]).code(0).stdout("lockstep-runs/good-seed1/report.html\n");
    assert_eq!(fs::read_to_string(&page).unwrap(), written);
    lockstep(&["report", "nowhere"]).code(4).stderr(contains("cannot read nowhere/verdict.json"));
    fs::write(folder.path().join("lockstep-runs/good-seed1/history.jsonl"), "").unwrap();
    lockstep(&["report", "lockstep-runs/good-seed1"])
        .code(3)
        .stderr(contains("history.jsonl: line 1: the header is missing"));
}

#[test]
fn a_doctor_names_what_is_missing_and_how_to_get_it() {
    let folder = folder_with(&[]);
    let told = lockstep(folder.path()).arg("doctor").env("DOCKER_HOST", "unix:///nowhere.sock").assert().code(2);
    told.stdout(
        contains("yes  simulation")
            .and(contains("no   containers             no Docker Engine answers at /nowhere.sock"))
            .and(
                contains("without it: no `--backend container`, no `certify --image`")
                    .and(contains("to get it:  start it")),
            ),
    );
}

#[test]
fn completions_are_for_each_shell() {
    let folder = folder_with(&[]);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        lockstep(folder.path())
            .args(["completions", shell])
            .assert()
            .code(0)
            .stdout(contains("certify").and(contains("time-scale")));
    }
}

/// A mistake is told, and waited for.
#[test]
fn a_watched_file_is_run_again_when_it_is_saved() {
    let folder = folder_with(&[("good.yaml", GOOD)]);
    let mut watch = std::process::Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["watch", "good.yaml"])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = |from: &mut dyn std::io::Read, until: &str| {
        let found = std::io::BufRead::lines(std::io::BufReader::new(from))
            .map_while(Result::ok)
            .any(|line| line.contains(until));
        assert!(found, "no `{until}`");
    };
    let out = watch.stdout.as_mut().unwrap();
    lines(out, "waiting for a change of 1 files");
    fs::write(folder.path().join("good.yaml"), "title: [\n").unwrap();
    lines(watch.stderr.as_mut().unwrap(), "good.yaml:1:");
    let out = watch.stdout.as_mut().unwrap();
    fs::write(folder.path().join("good.yaml"), GOOD.replace("1m", "2m")).unwrap();
    lines(out, "120.000 s simulated");
    watch.kill().unwrap();
    watch.wait().unwrap();
}
