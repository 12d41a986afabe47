//! Campaigns as a user runs them, and what both simulators say of what they draw.
use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;
use harness::explore::generate::{Limits, generate};
use harness::history::{History, What, busiest};
use harness::run::{Backend, Detail, Verdict, run};
use harness::scenario::Scenario;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

/// Small enough for turmoil.
fn small() -> Limits {
    Limits { nodes: 3..=6, ..Limits::default() }
}

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn explore(&self, words: &str) -> Command {
        let mut command = Command::cargo_bin("lockstep").unwrap();
        command.current_dir(self.0.path()).arg("explore").args(words.split_whitespace());
        command.args(["--nodes", "3..=5"]);
        command
    }

    /// What a campaign tells as JSON, but for its exit code.
    fn json(&self, words: &str) -> Value {
        let output = self.explore(&format!("{words} --json")).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
        })
    }
}

fn total(history: &History, name: &str) -> f64 {
    let totals = history.observations().iter().rev().find_map(|seen| match &seen.what {
        What::Metrics(metrics) if seen.source == "harness" => metrics.get(name).copied(),
        _ => None,
    });
    totals.unwrap()
}

/// Twenty here; `ci/explore.sh` compares two hundred.
#[test]
fn both_simulators_say_the_same_of_what_is_drawn() {
    let seeds: u64 = std::env::var("LOCKSTEP_SEEDS").map_or(20, |seeds| seeds.parse().unwrap());
    let mut quiet = 0;
    for seed in 1..=seeds {
        let text = generate(seed, &small()).text;
        let scenario = Scenario::parse("drawn", &text).unwrap();
        let slow = run(&scenario, seed, &Backend::simulation()).unwrap();
        let fast = run(&scenario, seed, &Backend::EventQueue(Detail::Full)).unwrap();
        let less = run(&scenario, seed, &Backend::EventQueue(Detail::Checked)).unwrap();
        // A pause of a few seconds may find nothing to stop in one of them: that is told of the fault, and not of the nodes.
        let verdicts = [&slow, &fast, &less].map(|run| {
            let of_nodes = run.judged.findings.iter().filter(|finding| !finding.check.starts_with("fault: "));
            Verdict::worst(of_nodes.map(|finding| finding.verdict))
        });
        let grounds: Vec<_> = [&slow, &fast]
            .into_iter()
            .flat_map(|run| run.judged.findings.iter().filter(|finding| finding.verdict != Verdict::Pass))
            .map(|finding| format!("{}: expected {}, actual {}", finding.check, finding.expected, finding.actual))
            .collect();
        assert_eq!(verdicts, [verdicts[0]; 3], "seed {seed}: {grounds:#?}");
        let faults = scenario.timeline(seed).len();
        if faults == 0 && scenario.links.is_empty() {
            quiet += 1;
            let [there, here] = [&slow, &fast].map(|run| total(&run.history, "network_messages"));
            assert!((there - here).abs() <= 0.05 * there, "seed {seed}: {there} messages under turmoil, {here} here");
        }
    }
    // Without faults the two are compared message by message below, too.
    println!("{quiet} of {seeds} seeds had no faults");
}

#[test]
fn without_faults_as_many_messages_are_sent() {
    for (nodes, more) in [(3, ""), (5, "produce: {by: [m], every: 30s}\n"), (8, "links: [{is: {latency: 80ms}}]\n")] {
        let text = format!(
            "title: x\nwhy: y\nruns_for: 10m\n{more}nodes:\n  m: {{count: {nodes}, masternode: true, chain: main@600, whitelists: [m, low]}}\n  low: {{masternode: true, whitelists: [m]}}\nexpect: [converge: {{who: [nodes], on: {{heights_within: 5}}, within: 5m}}]\n"
        );
        let scenario = Scenario::parse("quiet", &text).unwrap();
        let slow = run(&scenario, 1, &Backend::simulation()).unwrap();
        let fast = run(&scenario, 1, &Backend::EventQueue(Detail::Full)).unwrap();
        assert_eq!([slow.judged.verdict, fast.judged.verdict], [Verdict::Pass; 2]);
        for what in ["network_messages", "network_bytes"] {
            let [there, here] = [&slow, &fast].map(|run| total(&run.history, what));
            assert!((there - here).abs() <= 0.05 * there, "{nodes} nodes: {what}: {there} under turmoil, {here} here");
        }
        let [there, here] = [&slow, &fast].map(|run| busiest(&run.history).unwrap().2);
        assert!(there > 0.0 && (there - here).abs() <= 0.05 * there, "{there} questions under turmoil, {here} here");
    }
}

#[test]
fn shards_of_a_campaign_merge_to_the_whole_in_any_order() {
    let desk = Desk::new();
    let whole = desk.json("--seeds 1..=150");
    assert_eq!(whole["seeds"], 150);
    for shard in 0..3 {
        desk.json(&format!("--seeds 1..=150 --shard {shard}/3 --results {shard}.jsonl"));
    }
    for files in ["0.jsonl 1.jsonl 2.jsonl", "2.jsonl 0.jsonl 1.jsonl 0.jsonl"] {
        assert_eq!(desk.json(&format!("--merge {files}")), whole, "{files}");
    }
    desk.explore("--merge 0.jsonl 7.jsonl").assert().code(4).stderr(contains("7.jsonl: No such file"));
}

#[test]
fn a_campaign_that_was_cut_goes_on_and_comes_to_the_same() {
    let desk = Desk::new();
    let whole = desk.json("--seeds 100 --results all.jsonl");
    let text = fs::read_to_string(desk.path("all.jsonl")).unwrap();
    // In the middle of the third line.
    let place = text.match_indices('\n').nth(1).unwrap().0 + 20;
    fs::write(desk.path("cut.jsonl"), &text[..place]).unwrap();
    desk.explore("--seeds 100 --results cut.jsonl").assert().code(3).stderr(contains("`--resume` goes on with it"));
    assert_eq!(fs::read_to_string(desk.path("cut.jsonl")).unwrap(), text[..place], "nothing is lost");
    assert_eq!(desk.json("--seeds 100 --results cut.jsonl --resume"), whole);
    desk.explore("--merge cut.jsonl all.jsonl").assert().stderr(contains("overlap").not());
}

#[test]
fn results_that_do_not_go_together_are_refused_with_their_place() {
    let desk = Desk::new();
    desk.json("--seeds 40 --jobs 1 --results a.jsonl");
    let text = fs::read_to_string(desk.path("a.jsonl")).unwrap();
    let write = |name: &str, text: &str| fs::write(desk.path(name), text).unwrap();
    write("b.jsonl", &text.replacen(env!("CARGO_PKG_VERSION"), "0.0.0", 1));
    desk.explore("--merge a.jsonl b.jsonl").assert().code(3).stderr(contains("of another campaign: version `0.0.0`"));
    write("c.jsonl", "{\"lockstep_explore\":9,\"version\":\"9\",\"limits\":\"\",\"mutant\":null}\n");
    desk.explore("--merge c.jsonl").assert().code(3).stderr(contains("format 9, not 1"));
    write("d.jsonl", &text.replacen("\"simulated_ms\":", "\"simulated_ms\":1", 1));
    desk.explore("--merge a.jsonl d.jsonl").assert().code(3).stderr(contains("d.jsonl:2: seeds 1 to 31 overlap"));
    write("e.jsonl", "hello\n");
    desk.explore("--merge e.jsonl").assert().code(3).stderr(contains("e.jsonl:1: no head of a campaign's results"));
    write("f.jsonl", &text.replacen("\"to\":32", "\"to\":33", 1));
    desk.explore("--merge f.jsonl")
        .assert()
        .code(3)
        .stderr(contains("f.jsonl:2: its seeds and verdicts are not equally many"));
    desk.explore("--seeds 0..=9 --results /dev/full").assert().code(4).stderr(contains("/dev/full: No space left"));
}

#[test]
fn a_defect_is_found_filed_and_made_small() {
    let desk = Desk::new();
    let found = desk.explore("--seeds 2000 --mutant no_leader_rule --until-failure --shrink-time 5s").assert().code(1);
    let told = String::from_utf8(found.get_output().stderr.clone()).unwrap();
    let command = told.lines().find(|line| line.starts_with("lockstep shrink ")).unwrap();
    assert!(command.ends_with("--mutant no_leader_rule"), "{command}");
    let file = command.split(' ').nth(2).unwrap();
    let scenario = fs::read_to_string(desk.path(file)).unwrap();
    Scenario::parse("filed", &scenario).unwrap();
    let small = desk.path(file).with_extension("small.yaml");
    let small = Scenario::parse("small", &fs::read_to_string(small).unwrap()).unwrap();
    assert!(small.source.lines().count() < scenario.lines().count(), "{}", small.source);
}

#[test]
fn a_ledger_that_grew_fails_and_a_seed_can_be_looked_at() {
    let desk = Desk::new();
    let whole = desk.json("--seeds 64");
    let mut faster = whole.clone();
    for (_, budget) in faster["all"]["ledger"].as_object_mut().unwrap() {
        let count = budget["count"].clone();
        (budget["max_ms"], budget["steps"]) = (1.into(), serde_json::json!({ "1": count }));
    }
    fs::write(desk.path("same.json"), whole.to_string()).unwrap();
    fs::write(desk.path("faster.json"), faster.to_string()).unwrap();
    // Some seeds are undecided.
    desk.explore("--seeds 64 --baseline same.json").assert().code(predicate::in_iter([0, 2]));
    desk.explore("--seeds 64 --baseline faster.json").assert().code(1).stderr(contains("p99 of converge grew from"));
    desk.explore("--seeds 64 --all-marks").assert().code(1).stderr(contains("never reached: "));
    let shown = desk.explore("--show 7").assert().code(0).stderr(contains("# nodes"));
    let text = String::from_utf8(shown.get_output().stdout.clone()).unwrap();
    assert_eq!(text, generate(7, &Limits { nodes: 3..=5, ..Limits::default() }).text);
}

/// What breaks nothing that could be seen from outside is seen by the oracle beside each node, in a few seeds. All defects: `ci/explore.sh`.
#[test]
fn defects_that_break_no_chain_are_found_by_what_nodes_say_and_do() {
    let desk = Desk::new();
    for defect in [
        "announcement_whitelists",
        "any_pong_counts",
        "flat_back_off",
        "height_kept_after_close",
        "mean_rounds_up",
        "median_unsorted",
        "never_benched",
        "no_pings_during_sync",
        "nonce_as_float",
        "one_missed_pong_less",
        "pings_without_height",
        "pongs_without_height",
        "redials_for_ever",
        "regular_timeout_as_long",
    ] {
        let found = desk.json(&format!("--seeds 40 --mutant {defect} --until-failure --shrink-time 0s"));
        let failures = found["all"]["failures"].as_array().unwrap();
        let said =
            |failure: &Value| failure["fingerprint"]["check"] == "what nodes do follows from what they were told";
        assert!(failures.iter().any(said), "{defect}: {failures:?}");
    }
}
