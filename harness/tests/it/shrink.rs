//! `lockstep shrink` as people meet it.
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use harness::run::{Backend, run};
use harness::scenario::Scenario;
use predicates::prelude::*;
use predicates::str::contains;

/// Fails because `b` has nothing that `a` could want; the rest is in the way.
const FAILING: &str = "
title: A node that is told of blocks syncs
why: It is a test.
runs_for: 90s
nodes: {a: {chain: main@30, whitelists: [b], masternode: true}, b: {chain: main@30}, c: {chain: main@30, whitelists: [a]}}
peers: {p: {count: 2, chain: main@30, dials: [a]}}
timeline: [{at: 20s, do: {cut: {between: [c], and: [others], for: 10s}}}]
expect:
- never: {see: {on: a, log: in_sync}}
- reorgs: {who: [nodes], at_most: 0}
";
const PASSING: &str = "title: x\nwhy: y\nruns_for: 5s\nnodes: {a: {}}\nexpect: [reorgs: {who: [a], at_most: 0}]\n";

/// `lockstep shrink` of this text in a folder.
fn shrink(dir: &Path, text: &str, words: &[&str]) -> assert_cmd::assert::Assert {
    fs::write(dir.join("it.yaml"), text).unwrap();
    let mut command = Command::cargo_bin("lockstep").unwrap();
    command.current_dir(dir).args(["shrink", "it.yaml"]).args(words).assert()
}

#[test]
fn a_failure_is_made_small_and_tells_how_to_repeat_it() {
    let dir = tempfile::tempdir().unwrap();
    let told = shrink(dir.path(), FAILING, &["--seed", "7"]).code(0);
    told.stdout(
        contains("lockstep-shrunk/it-seed7.yaml\n")
            .and(contains("failure  never in_sync on node: seen N times, first at N s\n"))
            .and(contains("before   3 nodes, 2 peers, 1 step, 2 expectations"))
            .and(contains("after    3 nodes, 2 peers, 0 steps, 1 expectation"))
            .and(contains("repeat   lockstep run lockstep-shrunk/it-seed7.yaml --seed 7\n")),
    );
    let mut repeat = Command::cargo_bin("lockstep").unwrap();
    repeat.current_dir(dir.path()).args(["run", "lockstep-shrunk/it-seed7.yaml", "--seed", "7"]).assert().code(1);
}

#[test]
fn a_regression_is_filed_under_a_name_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["never-in-sync-on-node", "never-in-sync-on-node-2"] {
        let file = format!("scenarios/regressions/{name}.yaml");
        shrink(dir.path(), FAILING, &["--seed", "7", "--keep"]).code(0).stdout(contains(&*file));
        let scenario = Scenario::load(&dir.path().join(&file), &dir.path().join("scenarios")).unwrap();
        assert!(scenario.why.contains("`lockstep shrink it.yaml --seed 7`"), "{}", scenario.why);
        assert_eq!((scenario.name.as_str(), scenario.seed), (&*format!("regressions/{name}"), 1));
        let run = run(&scenario, scenario.seed, &Backend::simulation()).unwrap();
        assert_eq!(run.judged.verdict, harness::check::Verdict::Fail);
    }
}

#[test]
fn a_scenario_that_passes_is_an_argument_without_sense() {
    let dir = tempfile::tempdir().unwrap();
    let told = shrink(dir.path(), PASSING, &["--seed", "3"]).code(3);
    told.stderr(contains("it.yaml: it passes with seed 3").and(contains("lockstep run it.yaml --seed 4 --seeds 100")));
    let quiet = PASSING.replace("reorgs: {who: [a], at_most: 0}", "converge: {who: [a], on: tips, within: 1s}");
    let quiet = quiet.replace("nodes:", "timeline: [{at: 1s, do: {cut: {between: [a], and: [b], for: 1s}}}]\nnodes:");
    let quiet = quiet.replace("{a: {}}", "{a: {}, b: {}}");
    shrink(dir.path(), &quiet, &[]).code(3).stderr(contains("it is inconclusive, which is no failure"));
    assert!(!dir.path().join("lockstep-shrunk").exists());
}

#[test]
fn defects_are_known_and_nodes_without_them_pass() {
    let dir = tempfile::tempdir().unwrap();
    let unknown = shrink(dir.path(), PASSING, &["--mutant", "no_hedges"]).code(3);
    unknown.stderr(contains("did you mean `no_hedge`?"));
    shrink(dir.path(), PASSING, &["--mutant", "no_hedge"]).code(3).stderr(contains("and the defect `no_hedge`"));
    shrink(dir.path(), FAILING, &["--mutant", "no_hedge"]).code(3).stderr(contains("shrink it without --mutant"));
}

#[test]
fn what_is_no_scenario_or_can_not_be_read_is_told_as_by_run() {
    let dir = tempfile::tempdir().unwrap();
    shrink(dir.path(), &PASSING.replace("runs_for", "run_for"), &[]).code(3).stderr(contains("it.yaml:3:"));
    let missing = |words: &[&str]| {
        let mut command = Command::cargo_bin("lockstep").unwrap();
        command.current_dir(dir.path()).arg("shrink").args(words).assert()
    };
    missing(&["nowhere.yaml"]).code(4).stderr(contains("cannot read nowhere.yaml"));
    missing(&["."]).code(3).stderr(contains("one scenario is shrunk at a time"));
    missing(&["it.yaml", "--time", "5"]).code(3);
    missing(&["it.yaml", "--keep", "--out", "x.yaml"]).code(3);
}

#[test]
fn nothing_is_lost_where_nothing_can_be_written() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine.yaml"), "mine").unwrap();
    shrink(dir.path(), FAILING, &["--out", "mine.yaml"]).code(3).stderr(contains("mine.yaml is there already"));
    shrink(dir.path(), FAILING, &["--out", "mine.yaml/x.yaml"]).code(4).stderr(contains("cannot write mine.yaml"));
    shrink(dir.path(), FAILING, &["--out", "it.yaml"]).code(3);
    fs::write(dir.path().join("scenarios"), "").unwrap();
    shrink(dir.path(), FAILING, &["--keep"]).code(4).stderr(contains("cannot write scenarios/regressions"));
    assert_eq!(fs::read_to_string(dir.path().join("mine.yaml")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(dir.path().join("it.yaml")).unwrap(), FAILING);
    // No room for a file of any size, as on a full disk.
    let full = format!("trap '' XFSZ; ulimit -f 0; exec {} shrink it.yaml", cargo_bin("lockstep").display());
    let full = Command::new("sh").current_dir(dir.path()).arg("-c").arg(full).assert().code(4);
    full.stderr(contains("cannot write lockstep-shrunk/it-seed1.yaml"))
        .stdout(contains("never: {see: {on: a, log: in_sync}}"));
    assert_eq!(fs::read_dir(dir.path().join("lockstep-shrunk")).unwrap().count(), 0);
}
