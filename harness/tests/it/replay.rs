//! Logs of runs, replayed.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::check::Verdict;
use harness::history::{History, Meta, decisions};
use harness::replay::draft::{Draft, Options};
use harness::replay::fold::{Fold, Known};
use harness::replay::read::{self, read};
use harness::run::arm::{arms, run_arm};
use harness::run::{Backend, ScenarioResult, folder, run};
use harness::scenario::{Scenario, find};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

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

/// The command on these words.
fn replay(words: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = assert_cmd::Command::cargo_bin("lockstep").unwrap();
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).arg("replay").args(words).assert()
}

/// Logs of a shipped incident.
fn logs(name: &str) -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/incidents").join(name);
    let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let mut logs: Vec<String> =
        files.map(|path| path.display().to_string()).filter(|path| path.contains(".log")).collect();
    logs.sort();
    logs
}

#[test]
fn shipped_regressions_are_what_their_logs_give() {
    let files = find(&[root().join("regressions")]).unwrap();
    assert!(files.len() >= 6, "six regressions ship");
    for file in files {
        let name = file.name().replace("regressions/", "");
        let dir = tempfile::tempdir().unwrap();
        let (logs, folder) = (logs(&name), dir.path().display().to_string());
        let mut words: Vec<&str> = logs.iter().map(String::as_str).collect();
        words.extend(["--year", "2025", "--keep", &name, "--scenarios", &folder]);
        replay(&words).success();
        let kept = std::fs::read_to_string(dir.path().join("regressions").join(format!("{name}.yaml"))).unwrap();
        assert_eq!(kept, std::fs::read_to_string(&file.path).unwrap(), "{name}");
        // A second one doesn't take its place.
        let again = replay(&words).code(3).get_output().clone();
        assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
    }
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

#[test]
fn redacted_scenarios_name_nobody() {
    let logs = logs("lone-leader");
    let mut words: Vec<&str> = logs.iter().map(String::as_str).collect();
    words.push("--redact");
    let done = replay(&words).success().get_output().clone();
    let told = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
    for secret in ["mn51", "vps52", "vps53", "203.0.113"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    assert!(told.contains("host-1:") && told.contains("ip: 10.0.0.1"), "{told}");
}

#[test]
fn bad_logs_are_refused_with_their_place_and_used_where_that_is_wanted() {
    use std::io::Write as _;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let good = "2026-01-07 10:00:00.125 [mn7]  INFO Status: Height=1754, Active Masternodes=1\n";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    (0..2_000_u32).for_each(|i| {
        packed.write_all(good.replace("10:00", &format!("{}:{:02}", 10 + i / 60 % 10, i % 60)).as_bytes()).unwrap()
    });
    let packed = packed.finish().unwrap();
    let long = format!("{good}{}\n{good}", "x".repeat(1 << 20));
    let falls = format!("{good}2026-01-07 10:20:00 [mn7]  INFO Status: Height=12, Active Masternodes=1\n");
    let cases: [(&str, Vec<u8>, &str, bool); 6] = [
        ("empty.log", Vec::new(), "empty.log", false),
        ("binary.log", vec![0; 4096], "binary.log", false),
        ("other.log", b"2026-01-07 10:00:00 sshd[12]: session opened\n".to_vec(), "other.log", false),
        ("timeless.log", b"Status: Height=1754, Active Masternodes=1\n".to_vec(), "timeless.log", true),
        ("cut.log.gz", packed[..packed.len() / 2].to_vec(), "cut.log.gz", true),
        ("falls.log", falls.into_bytes(), "falls.log:2: mn7 is at height 12 here, but was at 1754 (falls.log:1)", true),
    ];
    for (name, content, message, of_use) in cases {
        std::fs::write(path(name), content).unwrap();
        let refused = replay(&[&path(name)]).code(3).get_output().clone();
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains(message) && told.contains("--lenient"), "{name}: {told}");
        let lenient = replay(&[&path(name), "--lenient"]);
        let _ = if of_use { lenient.success() } else { lenient.code(3) };
    }
    std::fs::write(path("long.log"), long).unwrap();
    replay(&[&path("long.log")]).success();
    replay(&[&path("missing.log")]).code(4);
}

#[test]
fn no_bytes_make_it_panic() {
    use rand::{Rng, RngCore, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let names = ["passive-node", "sync-loop-2626", "same-height-fork", "lone-leader", "disconnects-mid-sync"];
    let all: Vec<Vec<u8>> = names.iter().flat_map(|name| logs(name)).map(|path| std::fs::read(path).unwrap()).collect();
    let lines: Vec<&[u8]> = all.iter().flat_map(|log| log.split(|byte| *byte == b'\n')).collect();
    let dir = tempfile::tempdir().unwrap();
    let mut drafts = 0;
    for round in 0..300 {
        let mut bytes = Vec::new();
        for _ in 0..rng.random_range(1..60) {
            let mut line = lines[rng.random_range(0..lines.len())].to_vec();
            match rng.random_range(0..6) {
                0 => line.truncate(rng.random_range(0..=line.len())),
                1 if !line.is_empty() => line.drain(..rng.random_range(0..line.len())).for_each(drop),
                2 => line.iter_mut().for_each(|byte| {
                    if byte.is_ascii_digit() && rng.random_ratio(1, 3) {
                        *byte = b'0' + rng.random_range(0..10_u8);
                    }
                }),
                3 => {
                    let mut junk = vec![0; rng.random_range(0..200)];
                    rng.fill_bytes(&mut junk);
                    line.extend(junk);
                }
                _ => {}
            }
            bytes.extend(line);
            bytes.push(b'\n');
        }
        let path = dir.path().join(format!("{round}.log"));
        std::fs::write(&path, bytes).unwrap();
        let mut fold = Fold::default();
        let options = read::Options { lenient: true, ..read::Options::default() };
        let Ok(reading) = read(&[path], &options, &mut |told| fold.tell(told)) else { continue };
        let _ = fold.contradictions(&reading.hosts, &reading.names());
        let incident = fold.finish(&reading.hosts, &reading.names(), &Known::default());
        if incident.hosts.is_empty() {
            continue;
        }
        let squeeze = rng.random_bool(0.5).then(|| Duration::from_secs(60));
        let draft = Draft::of(&incident, &Options { squeeze, ..Options::default() });
        let yaml = draft.to_string();
        match Scenario::parse("x", &yaml) {
            Ok(_) => drafts += 1,
            Err(error) => assert!(draft.runs_for() > Duration::from_secs(7 * 86_400), "{error}\n{yaml}"),
        }
    }
    assert!(drafts > 50, "{drafts}");
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
