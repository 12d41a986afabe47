//! The catalogue judged:
//!
//! - `NAME`: the reference node passes this trial under seeds with jittered ticks, links and starts (`LOCKSTEP_SEEDS`, 2 by default);
//! - `rogue: NODE`: a program that is no masternode gets a clear statement in bounded time, as a process in real time;
//! - `mutant: DEFECT`: a node with this defect fails a trial of the requirement that it breaks.
//!
//! The first and the last of these hold whatever phase the node's timers have when a case begins: set-ups of two lengths are tried, or that
//! of `LOCKSTEP_SETUP` seconds.
//!
//! With `LOCKSTEP_MATRIX=FILE` each defect meets every case, and the table of who found what is written there.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use harness::certify::{Judgement, Subject, Suite, Trial, sensitivity};
use harness::check::Verdict;
use harness::run::{Backend, Variation};
use libtest_mimic::{Arguments, Failed, Trial as Test};
use node::protocol::mutant::{Mutant, switch};

const SEED: u64 = 1;

/// As lengths of the set-up differ, so does the phase that the node's timers have when a case begins.
const SETUPS: [u64; 2] = [152, 167];

/// Which requirement each defect breaks. Six break decisions of the reference node that no requirement names: only scenarios see them.
const BREAKS: [(Mutant, &str); 41] = {
    use Mutant::*;
    [
        (MedianUnsorted, "MNS-SC-03"),
        (ThresholdOffByOne, "MNS-SC-01"),
        (NoBypass, "MNS-PS-01"),
        (BypassSkipsValidation, "MNS-PS-04"),
        (InboundPingHeightLost, "MNS-HA-04"),
        (MeanOverflows, "MNS-HX-07"),
        (OneByOneSearch, "MNS-FR-03"),
        (MissedNeverReset, "MNS-P1-05"),
        (RangeEndTooFar, "MNS-SC-02"),
        (OneRangeATick, "MNS-SC-06"),
        (NoHedge, "MNS-SC-09"),
        (HeightKeptAfterClose, "MNS-HA-06"),
        (EndlessSearch, "MNS-FR-05"),
        (NoLeaderRule, "MNS-SU-02"),
        (NoRelaxedTimeout, "MNS-P1-05"),
        (FlatBackOff, "MNS-P2-01"),
        (AnyPongCounts, "MNS-P1-03"),
        (MeanRoundsUp, "MNS-SC-10"),
        (BenchNeverEnds, "MNS-SU-02"),
        (PortMakesTwoPeers, "MNS-P2-05"),
        (NoPingsDuringSync, "MNS-P1-08"),
        (LateAnswerDropped, "MNS-TO-01"),
        (ReorgInParts, "MNS-FR-06"),
        (TieByArrival, "MNS-FR-08"),
        (NonceAsFloat, "MNS-P1-02"),
        (PongsWithoutHeight, "MNS-HA-02"),
        (PingsWithoutHeight, "MNS-HA-01"),
        (NoReservedSlots, "MNS-P2-03"),
        (KeepaliveIsAbuse, "MNS-P1-07"),
        (AnnouncementWhitelists, "MNS-P2-04"),
        (ShortAnswerIsNone, "MNS-SC-07"),
        (RangesWithoutLimit, "MNS-SC-05"),
        (SearchWithoutLimit, "MNS-FR-04"),
        (SameRangeForEver, "MNS-FR-07"),
        (RegularTimeoutAsLong, "MNS-TO-01"),
        (HighestHeightCounts, "MNS-HA-05"),
        (VoteFromOneLater, "MNS-PS-03"),
        (OneMissedPongLess, "MNS-P1-05"),
        (AnswersOverLimit, "MNS-HX-13"),
        (ForksSkipped, "MNS-FR-01"),
        (RedialsForEver, "MNS-P2-01"),
    ]
};

/// Defects that break no requirement: `scenarios.rs` names a scenario for each.
const UNNAMED: [Mutant; 6] = {
    use Mutant::*;
    [
        LowerPeersNotChecked,
        WhitelistBeatsBlacklist,
        ForeignGenesisCounts,
        NeverBenched,
        LooksAtTicksOnly,
        SearchesKeptAgain,
    ]
};

fn suite() -> Suite {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cases");
    Suite::load(&cases).expect("the shipped cases are valid")
}

fn main() {
    if let Ok(how) = std::env::var("LOCKSTEP_ROGUE") {
        return act(&how);
    }
    let trials = suite().trials(true);
    if let Ok(path) = std::env::var("LOCKSTEP_MATRIX") {
        std::fs::write(&path, matrix(&trials)).expect("the table can be written");
        return;
    }
    let mut tests: Vec<Test> =
        trials.iter().cloned().map(|trial| Test::test(trial.to_string(), move || passes(&trial))).collect();
    for (mutant, id) in BREAKS {
        let trials = trials.clone();
        tests.push(Test::test(format!("mutant: {mutant:?}"), move || is_killed(mutant, id, &trials)));
    }
    tests.push(Test::test("every defect breaks something", every_defect_is_named));
    for (how, grounds) in ROGUES {
        tests.push(Test::test(format!("rogue: {how}"), move || rogue(how, grounds)));
    }
    tests.push(Test::test("every requirement has a case", move || every_row_has_a_case(&trials)));
    tests.push(Test::test("the table of defects is of these", table_is_of_these));
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}

/// Programs that are no masternodes, and what is said of each.
const ROGUES: [(&str, &str); 5] = [
    ("exits", "could not begin: it ended: exit status: 3, out of luck"),
    ("never listens", "could not begin: it tells no height"),
    ("says nothing", "could not begin: it tells no height"),
    ("floods", "could not begin: it tells height 7, not 1000 of main"),
    ("speaks garbage", "could not begin: it tells no height"),
];

/// Plays one of them, at the address in the first argument.
fn act(how: &str) {
    use std::io::{Read, Write};

    let at = std::env::args().nth(1).unwrap_or_default();
    match how {
        "exits" => {
            eprintln!("out of luck");
            std::process::exit(3);
        }
        "never listens" => loop {
            std::thread::park();
        },
        _ => {}
    }
    let listener = std::net::TcpListener::bind(at).expect("the address is free");
    for stream in listener.incoming().map_while(Result::ok) {
        let how = how.to_owned();
        std::thread::spawn(move || {
            let mut stream = stream;
            let said: &[u8] = match how.as_str() {
                "floods" => b"{\"Ping\":{\"nonce\":1,\"timestamp\":0,\"height\":7}}\n",
                "speaks garbage" => b"\xff\x00{\"Ping\":[[[\n\n}]}\r\n",
                _ => return stream.read_to_end(&mut Vec::new()).map(drop),
            };
            let first = stream.write_all(b"{\"Ack\":{\"message_type\":\"Handshake\"}}\n");
            first.and_then(|()| {
                loop {
                    stream.write_all(said)?;
                }
            })
        });
    }
}

/// A case of a second.
const SHORT: &str = "\
title: It is there
why: Nothing is shorter.
requirements: [MNS-P1-01]
case: {}
runs_for: 1s
nodes:
  a: {chain: main@1000}
peers:
  p: {chain: main@1000}
expect:
  - never: {see: {on: p, wire: Pong}}
";

fn rogue(how: &str, grounds: &str) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let profile = dir.path().join("profile.yaml");
    let text =
        format!("name: {how}\narguments: ['{{{{listen}}}}']\nenvironment: {{LOCKSTEP_ROGUE: {how}}}\nsetup: 3s\n");
    std::fs::write(&profile, text)?;
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.arg("certify").arg("--exec").arg(std::env::current_exe()?).arg("--profile").arg(&profile);
    let cases = dir.path().join("cases");
    std::fs::create_dir(&cases)?;
    // After the first, the other is told without being tried.
    for name in ["one", "two"] {
        std::fs::write(cases.join(format!("{name}.yaml")), SHORT)?;
    }
    command.arg("--cases").arg(&cases).arg("--out").arg(dir.path().join("out"));
    let output = command.stdin(std::process::Stdio::null()).output()?;
    let mut verify = std::process::Command::new(env!("CARGO_BIN_EXE_lockstep"));
    let verified = verify.arg("verify").arg(dir.path().join("out")).arg("--cases").arg(&cases).output()?;
    if !verified.status.success() {
        return Err(
            format!("it does not follow from its evidence: {}", String::from_utf8_lossy(&verified.stdout)).into()
        );
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let missing = [grounds, "not tried: one, inbound could not begin", "1 inconclusive"]
        .into_iter()
        .find(|words| !said.contains(words));
    match (output.status.code(), missing) {
        (Some(2), None) => Ok(()),
        (code, missing) => {
            Err(format!("exit code {code:?}, without {missing:?}: {said}{}", String::from_utf8_lossy(&output.stderr))
                .into())
        }
    }
}

fn judged(trial: &Trial, seed: u64, setup: u64, jitter: bool) -> Result<Judgement, Failed> {
    let subject =
        Subject { setup: Duration::from_secs(setup), ..Subject::simulated(Backend::Simulation(Variation { jitter })) };
    Ok(trial.run(&subject, seed)?.1)
}

/// Lengths of the set-up in seconds, none of which ends at a tick.
fn setups() -> Vec<u64> {
    match std::env::var("LOCKSTEP_SETUP") {
        Ok(setup) => vec![setup.parse().expect("LOCKSTEP_SETUP is a number of seconds")],
        Err(_) => SETUPS.to_vec(),
    }
}

/// `LOCKSTEP_SEEDS`: `200` are those from 1 on, `41-200` a part of them for one machine of several.
fn seeds() -> RangeInclusive<u64> {
    let Ok(text) = std::env::var("LOCKSTEP_SEEDS") else { return 1..=2 };
    let (first, last) = text.split_once('-').unwrap_or(("1", &text));
    let number =
        |text: &str| text.parse().unwrap_or_else(|_| panic!("LOCKSTEP_SEEDS={text}: no number, and no two with `-`"));
    number(first)..=number(last)
}

fn passes(trial: &Trial) -> Result<(), Failed> {
    for (seed, setup) in seeds().zip(setups().into_iter().cycle()) {
        let judgement = judged(trial, seed, setup, true)?;
        if judgement.verdict != Verdict::Pass {
            return Err(grounds(&judgement, seed, setup).into());
        }
    }
    Ok(())
}

fn grounds(judgement: &Judgement, seed: u64, setup: u64) -> String {
    let mut text = format!("seed {seed}, set-up {setup} s: {} {:?}\n", judgement.verdict, judgement.grounds);
    for (channel, finding) in judgement.findings.iter().filter(|(_, finding)| finding.verdict != Verdict::Pass) {
        let _ = writeln!(text, "{channel}: {}: {}", finding.verdict, finding.check);
        let _ = writeln!(text, "  expected  {}\n  actual    {}", finding.expected, finding.actual);
        let _ = writeln!(text, "  nearest   {}", finding.nearest.as_deref().unwrap_or("nothing like it"));
    }
    text
}

/// Whether a node with this defect fails the trial.
fn kills(mutant: Mutant, trial: &Trial, setup: u64) -> Result<bool, Failed> {
    switch(Some(mutant));
    // A panic is a node that ended.
    let judged = std::panic::catch_unwind(|| judged(trial, SEED, setup, false));
    switch(None);
    match judged {
        Ok(judged) => Ok(judged?.verdict == Verdict::Fail),
        Err(_) => Ok(true),
    }
}

fn every_defect_is_named() -> Result<(), Failed> {
    let named = |mutant: &&Mutant| UNNAMED.contains(mutant) || BREAKS.iter().any(|(named, _)| named == *mutant);
    match Mutant::ALL.iter().find(|mutant| !named(mutant)) {
        None => Ok(()),
        Some(mutant) => Err(format!("{mutant:?} is in neither list").into()),
    }
}

fn is_killed(mutant: Mutant, id: &str, trials: &[Trial]) -> Result<(), Failed> {
    'setups: for setup in setups() {
        for trial in trials.iter().filter(|trial| trial.case.requirements[0] == id) {
            if kills(mutant, trial, setup)? {
                continue 'setups;
            }
        }
        return Err(format!("no case of {id} fails after a set-up of {setup} s").into());
    }
    Ok(())
}

fn every_row_has_a_case(trials: &[Trial]) -> Result<(), Failed> {
    let shown: BTreeSet<&str> = trials.iter().map(|trial| trial.case.requirements[0].as_str()).collect();
    let rows = harness::scenario::requirement::catalogue().iter().map(|row| row.id.as_str());
    let missing: Vec<&str> = rows.filter(|id| !shown.contains(id)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no case for {missing:?}").into()) }
}

/// The figure that statements carry counts the defects that there are.
fn table_is_of_these() -> Result<(), Failed> {
    let wanted = format!("{0} of {0}", BREAKS.len());
    let table = include_str!("../../fixtures/sensitivity.md");
    let missing = BREAKS.iter().find(|(mutant, id)| !table.contains(&format!("| {mutant:?} | {id} |")));
    match (sensitivity() == wanted, missing) {
        (true, None) => Ok(()),
        (_, missing) => {
            Err(format!("`{}`, not `{wanted}`; missing {missing:?}: run ci/sensitivity.sh", sensitivity()).into())
        }
    }
}

/// Every defect against every case, in as many threads as there are cores.
fn matrix(trials: &[Trial]) -> String {
    let killers: Mutex<BTreeMap<usize, BTreeSet<String>>> = Mutex::default();
    let next = AtomicUsize::new(0);
    let work = BREAKS.len() * trials.len();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= work {
                        break;
                    }
                    let (row, trial) = (n / trials.len(), &trials[n % trials.len()]);
                    if kills(BREAKS[row].0, trial, SETUPS[0]).unwrap_or(false) {
                        let mut killers = killers.lock().expect("nobody panics here");
                        killers.entry(row).or_default().insert(trial.case.requirements[0].clone());
                    }
                }
            });
        }
    });
    let killers = killers.into_inner().expect("nobody panics here");
    let own = |row: &usize| killers.get(row).is_some_and(|killers| killers.contains(BREAKS[*row].1));
    let killed = (0..BREAKS.len()).filter(own).count();
    let mut table = format!(
        "# What the suite finds\n\nEach deliberate defect of the reference node (`node/src/protocol/mutant.rs`) met every case of the catalogue in virtual \
         time, and\ncounts as killed where a case of the requirement that it breaks fails. Written by `ci/sensitivity.sh`.\n\n\
         Killed: {killed} of {}\n\n| defect | breaks | killed by |\n|---|---|---|\n",
        BREAKS.len()
    );
    for (row, (mutant, id)) in BREAKS.iter().enumerate() {
        let by: Vec<&str> = killers.get(&row).into_iter().flatten().map(String::as_str).collect();
        let _ = writeln!(table, "| {mutant:?} | {id} | {} |", by.join(" "));
    }
    table
}
