//! Runs shared out to several machines, and their results as one.
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use regex::Regex;

/// Three scenarios, of which one fails.
const EXPECTATIONS: [(&str, &str); 3] = [
    ("a-pings", "{sequence: [{see: {on: w, wire: Ping}, by: 5s}]}"),
    ("b-fails", "{sequence: [{see: {on: a, log: behind}, by: 5s}]}"),
    ("a/z", "{never: {see: {on: a, log: behind}}}"),
];

struct Machines(tempfile::TempDir);

impl Machines {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, expectation) in EXPECTATIONS {
            let file = dir.path().join(format!("scenarios/{name}.yaml"));
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let text = format!(
                "title: A small one\nwhy: It is\nruns_for: 5s\nnodes: {{a: {{chain: main@10, whitelists: [w]}}}}\n\
                 peers: {{w: {{chain: main@10}}}}\nexpect: [{expectation}]\n"
            );
            fs::write(file, text).unwrap();
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn lockstep(&self, words: &str) -> Command {
        let mut command = Command::cargo_bin("lockstep").unwrap();
        command.current_dir(self.0.path()).args(words.split_whitespace());
        command
    }

    /// Prints `lockstep run` of 7 seeds with these further words, and its text.
    fn run(&self, words: &str) -> String {
        let output = self.lockstep(&format!("run --seeds 7 --jobs 1 {words}")).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Writes such a run's results to a file of this name.
    fn file(&self, name: &str, words: &str) {
        fs::write(self.path(name), self.run(&format!("--format json {words}"))).unwrap();
    }

    fn change(&self, from: &str, to: &str, change: impl Fn(&str) -> String) {
        fs::write(self.path(to), change(&fs::read_to_string(self.path(from)).unwrap())).unwrap();
    }
}

/// Without what no two runs have in common.
fn timeless(text: &str) -> String {
    let changing = r#"(?m) in +[0-9.]+ s| +[0-9.]+ s$|^slowest.*|time="[0-9.]+"|"wall_ms": [0-9]+"#;
    Regex::new(changing).unwrap().replace_all(text, "").into_owned()
}

fn merged(machines: &Machines, words: &str) -> String {
    let output = machines.lockstep(&format!("merge {words}")).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn shards_merged_are_the_whole_in_any_order_and_any_number_of_times() {
    let machines = Machines::new();
    for shard in 0..4 {
        machines.file(&shard.to_string(), &format!("--shard {shard}/4"));
    }
    for format in ["text", "json", "junit"] {
        let whole = timeless(&machines.run(&format!("--format {format}")));
        assert!(whole.matches("b-fails").count() >= 7, "{whole}");
        for files in ["0 1 2 3", "3 1 0 2", "0 1 2 3 3 0"] {
            let merged = timeless(&merged(&machines, &format!("{files} --format {format}")));
            assert_same(&merged, &whole, files);
        }
    }
    machines.lockstep("merge 0 1 2 3").assert().code(1);
    // What was merged can be merged.
    fs::write(machines.path("half"), merged(&machines, "1 3 --format json")).unwrap();
    fs::write(machines.path("all"), merged(&machines, "2 half 0 --format json")).unwrap();
    assert_eq!(merged(&machines, "all 1 half --format json"), merged(&machines, "0 1 2 3 --format json"));
}

fn assert_same(one: &str, two: &str, what: &str) {
    assert!(one == two, "{what}:\n{}", similar::TextDiff::from_lines(two, one).unified_diff());
}

#[test]
fn missing_shards_are_told_and_are_no_success() {
    let machines = Machines::new();
    for shard in [0, 2] {
        machines.file(&shard.to_string(), &format!("--filter ings --shard {shard}/3"));
    }
    machines.file("1", "--filter fails --shard 1/3");
    machines.lockstep("merge 0 2").assert().code(2).stderr(contains("5 of 7 runs").and(contains("shards 1/3\n")));
    machines.lockstep("merge 0 1").assert().code(3).stderr(contains("1 contradicts 0: ").and(contains("seeds")));
    // A shard without a run has shown nothing.
    machines.lockstep("run --shard 3/4").assert().code(2).stdout(contains("no scenario was run"));
}

#[test]
fn contradictions_and_broken_files_are_told_with_their_names() {
    let machines = Machines::new();
    machines.file("0", "--shard 0/2");
    machines.file("third", "--shard 1/3");
    machines.change("0", "other", |text| text.replace("\"verdict\": \"pass\"", "\"verdict\": \"fail\""));
    machines.change("0", "newer", |text| text.replace("\"lockstep\": \"0", "\"lockstep\": \"9"));
    machines.change("0", "future", |text| text.replace("\"lockstep_report\": 1", "\"lockstep_report\": 2"));
    machines.change("0", "cut", |text| text[..text.rfind("\"title\"").unwrap()].to_owned());
    machines.change("0", "nearly", |text| text.trim_end().strip_suffix('}').unwrap().to_owned());
    machines.change("0", "fewer", |text| text.replace("\"here\": [\n      0", "\"here\": [\n      1"));
    machines.change("0", "mad", |text| text.replace("\"of\": 2", "\"of\": 4000000000"));
    machines.change("0", "long", |text| {
        Regex::new("\"wall_ms\": [0-9]+").unwrap().replacen(text, 2, "\"wall_ms\": 9e15").into()
    });
    for (files, told) in [
        ("0 other", "other contradicts 0: a/z seed 1 on backend sim is fail, not pass"),
        ("0 third", "third contradicts 0: shards of 3 overlap those of 2"),
        ("newer", "newer: written by lockstep 9"),
        ("future", "future: a report of version 2; this is 1"),
        ("0 cut", "; 10 whole runs could be read"),
        ("cut", "cut: EOF while parsing a value at line "),
        ("nearly", "; 11 whole runs could be read"),
        ("fewer", "fewer: shards {1} of 2 of 21 runs"),
        ("mad", "mad: shards {0} of 4000000000"),
        ("long", "long: invalid type: floating point"),
        ("scenarios/a/z.yaml", "z.yaml: expected ident at line 1"),
    ] {
        machines.lockstep(&format!("merge {files}")).assert().code(3).stderr(contains(told)).stdout("");
    }
    machines.lockstep("merge 0 nothing").assert().code(4).stderr(contains("cannot read nothing"));
    machines.lockstep("merge scenarios").assert().code(4);
    machines.lockstep("merge").assert().code(3);
    for shard in ["2/2", "1", "x/2"] {
        machines
            .lockstep(&format!("run --shard {shard}"))
            .assert()
            .code(3)
            .stderr(contains("the first of four is 0/4"));
    }
}

#[test]
fn a_report_lets_itself_be_read_to_the_last_key() {
    let machines = Machines::new();
    machines.file("whole", "");
    let [again, whole] =
        [merged(&machines, "whole --format json"), fs::read_to_string(Path::new(&machines.path("whole"))).unwrap()];
    assert_eq!(again, whole);
}
