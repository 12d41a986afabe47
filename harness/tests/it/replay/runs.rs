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

/// What a log of mn7 expects of it: at 120, with peers at 10.0.0.2 to 10.0.0.4 that tell these heights.
fn expected(heights: [u64; 3], lines: &[&str]) -> (Scenario, String) {
    use std::fmt::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let mut log = "2026-01-07 10:00:00 [mn7]  INFO Status: Height=120, Active Masternodes=3\n".to_owned();
    for (ip, height) in (2..).zip(heights) {
        writeln!(log, "2026-01-07 10:00:00 [mn7]  INFO Added 10.0.0.{ip} to whitelist: listed in config").unwrap();
        writeln!(log, "2026-01-07 10:00:01 [mn7]  INFO Peer 10.0.0.{ip} has height {height}").unwrap();
    }
    lines.iter().for_each(|line| writeln!(log, "2026-01-07 10:01:00 [mn7]  WARN {line}").unwrap());
    log += "2026-01-07 10:05:00 [mn7]  INFO Status: Height=120, Active Masternodes=3\n";
    std::fs::create_dir(dir.path().join("logs")).unwrap();
    std::fs::write(dir.path().join("logs/mn7.log"), log).unwrap();
    let yaml = replayed(dir.path()).to_string();
    (Scenario::parse("draft.yaml", &yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}")), yaml)
}

#[test]
fn a_fork_against_scripted_peers_ends_where_the_fork_choice_says() {
    let against = |ip: u8| format!("Fork detected at height 118: our aaaaaaaa vs 10.0.0.{ip} bbbbbbbb");
    let (two, three, reorg) = (against(2), against(3), "REORG COMPLETE: new height 118");
    let stays = "reorgs: {who: [mn7], at_most: 0}";
    let leaves = "count: {seen: {see: {on: mn7, log: reorg}}, at_least: 1}";
    for (heights, lines, end, reproduced) in [
        // Two masternodes hold its own branch, one the other.
        ([150, 120, 120], vec![two.as_str()], Some("main@120"), None),
        ([150, 120, 120], vec![&two, reorg], Some("main@120"), Some(leaves)),
        // The other way round; `main` is what most are on.
        ([118, 118, 120], vec![&two, &three], Some("main@118"), Some(stays)),
        ([118, 118, 120], vec![&two, &three, reorg], Some("main@118"), None),
        // One each, for the one is below the fork: the longer wins, and hashes decide between equals.
        ([118, 90, 119], vec![&two], Some("main@120"), None),
        ([121, 90, 119], vec![&two], Some("fork-1@121"), Some(stays)),
        ([120, 90, 119], vec![&two], None, None),
    ] {
        let (scenario, yaml) = expected(heights, &lines);
        let tip = end.map(|end| format!("- tip: {{who: [mn7], is: {end}, by: "));
        assert_eq!(yaml.contains("tip: "), tip.is_some(), "{yaml}");
        assert!(tip.is_none_or(|tip| yaml.contains(&tip)), "{end:?}: {yaml}");
        for check in [stays, leaves] {
            assert_eq!(yaml.contains(check), reproduced == Some(check), "{check}: {yaml}");
        }
        let judged = run(&scenario, 1, &Backend::simulation()).unwrap().judged;
        assert_eq!(judged.verdict, Verdict::Pass, "{end:?}: {:#?}\n{yaml}", judged.findings);
    }
    // It is a check: where the others hold the fork too, the node doesn't end there.
    let (_, yaml) = expected([150, 120, 120], &[&two]);
    let outvoted = Scenario::parse(
        "draft.yaml",
        &yaml.replace("    ip: 10.0.0.3\n    chain: main@120", "    ip: 10.0.0.3\n    chain: fork-1@120"),
    );
    let judged = run(&outvoted.unwrap(), 1, &Backend::simulation()).unwrap().judged;
    assert_eq!(judged.verdict, Verdict::Fail, "{:#?}", judged.findings);
}
