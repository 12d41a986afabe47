//! `lockstep export` as it is typed.
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;

const NODES: &str = "title: Two\nwhy: They are\nruns_for: 20s\nnodes: {a: {}, b: {}}\n\
    timeline: [{at: 5s, do: {kill: {who: [a], for: 5s}}}]\nexpect: [{reorgs: {who: [a], at_most: 0}}]\n";

fn lockstep(dir: &Path, words: &str) -> Command {
    let mut command = Command::cargo_bin("lockstep").unwrap();
    command.current_dir(dir).arg("export").args(words.split_whitespace());
    command
}

#[test]
fn what_is_left_out_is_told_and_strictness_minds_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("two.yaml"), NODES).unwrap();
    fs::write(dir.path().join("paused.yaml"), NODES.replace("kill", "pause")).unwrap();
    for (words, code) in [
        ("compose two.yaml --strict", 0),
        ("kubernetes two.yaml --strict", 0),
        ("compose paused.yaml --strict", 0),
        ("kubernetes paused.yaml --strict", 2),
        ("kubernetes paused.yaml", 0),
    ] {
        lockstep(dir.path(), words).assert().code(code).stdout(contains("What this leaves out:"));
    }
    let reason = "at 5s: pause a, for 5s: Chaos Mesh stops no process that is to go on";
    lockstep(dir.path(), "kubernetes paused.yaml --out k")
        .assert()
        .stdout(contains(reason).and(contains("  nodes.yaml\n")));
    let written = fs::read_to_string(dir.path().join("k/nodes.yaml")).unwrap();
    assert!(written.contains(&format!("#   {reason}\n")), "{written}");
}

#[test]
fn images_seeds_and_shards_are_as_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("two.yaml"), NODES).unwrap();
    let words = "kubernetes two.yaml --image r/n:1 --harness-image r/h:2 --seed 7 --seeds 3 --shards 8";
    lockstep(dir.path(), words).assert().code(0);
    let [nodes, shards] = ["nodes", "shards"]
        .map(|name| fs::read_to_string(dir.path().join(format!("lockstep-export/{name}.yaml"))).unwrap());
    assert!(nodes.contains("image: r/n:1\n"));
    for part in ["image: r/h:2\n", "--seed=7\n", "--seeds=3\n", "completions: 3\n", "$(JOB_COMPLETION_INDEX)/3\n"] {
        assert!(shards.contains(part), "{part}");
    }
}

#[test]
fn wrong_scenarios_and_places_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("two.yaml"), NODES).unwrap();
    fs::write(dir.path().join("bad.yaml"), "title: [").unwrap();
    for (words, code, told) in [
        ("compose bad.yaml", 3, "bad.yaml:1"),
        ("compose .", 3, "export one scenario"),
        ("compose missing.yaml", 4, "cannot read missing.yaml"),
        ("kubernetes two.yaml --out two.yaml", 4, "cannot write two.yaml"),
        ("swarm two.yaml", 3, "swarm"),
        ("kubernetes two.yaml --shards 0", 3, "--shards"),
    ] {
        lockstep(dir.path(), words).assert().code(code).stderr(contains(told));
    }
}
