//! `lockstep run` as people and CI meet it.
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::str::contains;

const SMALLEST: &str = "
title: A masternode answers pings
why: The smallest run there is.
runs_for: 5s
nodes: {a: {chain: main@10, whitelists: [w]}}
peers: {w: {chain: main@10}}
";

/// `lockstep run` of this text in a folder of its own.
fn lockstep(dir: &Path, text: &str) -> Command {
    let file = dir.join("smallest.yaml");
    fs::write(&file, text).unwrap();
    let mut command = Command::cargo_bin("lockstep").unwrap();
    command.arg("run").arg(&file).arg("--out").arg(dir.join("runs"));
    command
}

/// The smallest scenario, that expects this.
fn expecting(what: &str) -> String {
    format!("{SMALLEST}expect: [{what}]\n")
}

fn passing() -> String {
    expecting("{sequence: [{see: {on: w, wire: Ping, where: {height: 10}}, by: 5s}]}")
}

#[test]
fn a_pass_exits_0_and_leaves_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &passing()).assert().code(0).stdout(contains("1 pass"));
    for file in ["scenario.yaml", "seed", "history.jsonl", "logs/a.log", "verdict.json"] {
        assert!(dir.path().join("runs/smallest-seed1").join(file).is_file(), "{file}");
    }
}

#[test]
fn a_failure_exits_1_and_says_what_and_how_to_repeat_it() {
    let dir = tempfile::tempdir().unwrap();
    let text = expecting("{sequence: [{see: {on: a, log: behind}, by: 5s}]}");
    let fails = lockstep(dir.path(), &text).arg("--seed").arg("7").assert().code(1);
    fails.stdout(contains("expected")).stdout(contains("smallest.yaml --seed 7"));
}

#[test]
fn seeds_are_runs_of_their_own_and_json_is_one_document() {
    let dir = tempfile::tempdir().unwrap();
    let output = lockstep(dir.path(), &passing()).args(["--seeds", "3", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json.to_string().matches("\"seed\":").count() >= 3, "{json}");
}

#[test]
fn a_bad_scenario_exits_3_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let text = passing().replace("runs_for", "run_for");
    lockstep(dir.path(), &text).assert().code(3).stderr(contains("smallest.yaml")).stderr(contains("runs_for"));
}

#[test]
fn a_missing_path_and_an_unwritable_folder_exit_4() {
    let dir = tempfile::tempdir().unwrap();
    Command::cargo_bin("lockstep").unwrap().args(["run", "no/such/folder"]).assert().code(4);
    // A file where the folder should be: unwritable for root too.
    fs::write(dir.path().join("runs"), "").unwrap();
    lockstep(dir.path(), &passing()).assert().code(4).stderr(contains("runs"));
}

#[test]
fn a_filter_that_matches_nothing_exits_3() {
    let dir = tempfile::tempdir().unwrap();
    lockstep(dir.path(), &passing()).args(["--filter", "nothing-like-it"]).assert().code(3);
}
