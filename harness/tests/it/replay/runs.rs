//! Logs of runs, replayed.
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use harness::check::Verdict;
use harness::history::{History, Meta, decisions};
use harness::replay::draft::{Draft, Options};
use harness::replay::fold::{Fold, Known};
use harness::replay::read::{self, read};
use harness::run::arm::{arms, run_arm};
use harness::run::{Backend, ScenarioResult, folder, run};
use harness::scenario::{Scenario, find};

use super::root;

/// What was decided until then, with addresses instead of the scenario's names, and hashes by number.
fn decided(history: &History, until: Duration) -> String {
    let mut by_ip = History::new(Meta::default());
    for seen in history.observations().iter().filter(|seen| seen.at < until) {
        let mut seen = seen.clone();
        seen.source = history.meta().ip_of(&seen.source).unwrap_or(seen.source);
        by_ip.push(seen);
    }
    let mut hashes: BTreeMap<String, usize> = BTreeMap::new();
    let word = |word: &str| match word.split_once('=') {
        Some((name @ ("ours" | "theirs" | "old_tip" | "new_tip"), hash)) => {
            let next = hashes.len();
            format!("{name}=#{}", *hashes.entry(hash.to_owned()).or_insert(next))
        }
        _ => word.to_owned(),
    };
    let text = decisions(&by_ip);
    let lines = text.lines().map(|line| line.split(' '));
    let mut word = word;
    lines.map(|words| words.map(&mut word).collect::<Vec<_>>().join(" ") + "\n").collect()
}

/// The scenario that the logs of a run's folder give.
fn replayed(dir: &Path) -> Draft {
    let mut fold = Fold::default();
    let reading = read(&[dir.join("logs")], &read::Options::default(), &mut |told| fold.tell(told)).unwrap();
    assert!(reading.not_understood.is_empty(), "{:?}", reading.not_understood);
    let incident = fold.finish(&reading.hosts, &reading.names(), &Known::default());
    Draft::of(&incident, &Options::default())
}

#[test]
fn a_scenario_of_a_runs_own_logs_decides_the_same() {
    let mut tried = 0;
    for file in find(&[root().join("phase-3")]).unwrap() {
        let scenario = Scenario::load(&file.path, &file.root).unwrap();
        let original = run(&scenario, 1, &Backend::simulation()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let result = ScenarioResult {
            name: "run".into(),
            title: String::new(),
            requirements: Vec::new(),
            seed: 1,
            verdict: Verdict::Pass,
            findings: Vec::new(),
            convergence: Vec::new(),
            backend: "sim".into(),
            time_scale: 1,
            virtual_time: scenario.runs_for,
            wall_time: Duration::ZERO,
            faults: Vec::new(),
            folder: None,
            repeat: String::new(),
        };
        let folder = folder::write(dir.path(), &result, &scenario.source, &original.history).unwrap();
        let draft = replayed(&folder);
        let yaml = draft.to_string();
        let again = Scenario::parse("draft.yaml", &yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
        // Where the log shows that a part of the cure was off, the nodes as they were decide the same.
        let arm = arms(&again).pop().unwrap();
        let history = run_arm(&again, &arm, 1, &Backend::simulation()).unwrap().history;
        let (wanted, got) = (decided(&original.history, scenario.runs_for), decided(&history, scenario.runs_for));
        assert!(wanted.lines().count() > 4, "{}: {wanted}", scenario.name);
        assert_eq!(wanted, got, "{} ({}):\n{yaml}", scenario.name, arm.name);
        tried += 1;
    }
    assert_eq!(tried, 6);
}
