//! Every file of `scenarios/`, each as tests of its own name:
//!
//! - `NAME`: it passes with its seed; what was seen equals its snapshot (a regression may have none), and, byte for byte, what another process saw with the same seed;
//! - `jittered: NAME`: it passes under five seeds with ticks, latencies and starts that differ a little;
//! - `incident: NAME`: where it comes from an incident, the nodes as they were show it and the nodes as they are do not, as it is and jittered;
//! - `mutant: DEFECT`: a node with this defect fails the scenario that is named for it.
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use harness::check::{JudgeResult, Verdict};
use harness::history::{History, normal};
use harness::run::arm::{arms, run_arm};
use harness::run::{Backend, Variation, folder, run};
use harness::scenario::{Found, Scenario, find};
use libtest_mimic::{Arguments, Failed, Trial};
use node::protocol::mutant::{Mutant, switch};

/// Of those without a seed of their own.
const SEED: u64 = 1;

/// Which scenario sees which defect; of the others, `certify.rs` says which requirement they break.
const CATCHES: [(Mutant, &str); 25] = {
    use Mutant::*;
    [
        (MedianUnsorted, "sync/median-of-three"),
        (ThresholdOffByOne, "sync/six-behind-is-behind"),
        (NoBypass, "phase-3/02-one-masternode-ahead"),
        (BypassSkipsValidation, "consensus/bypass-rejects-merkle-root"),
        (InboundPingHeightLost, "liveness/height-from-pings-alone"),
        (MeanOverflows, "byzantine/mean-of-greatest-heights-does-not-overflow"),
        (NeverBenched, "sync/next-masternode-after-empty-answers"),
        (OneByOneSearch, "fork/masternode-fork-9990-deep"),
        (MissedNeverReset, "liveness/whitelisted-peer-may-miss-five-pongs"),
        (RangeEndTooFar, "sync/first-range-ends-at-the-median"),
        (OneRangeATick, "sync/next-range-does-not-wait-for-the-tick"),
        (NoHedge, "sync/next-masternode-after-silence"),
        (HeightKeptAfterClose, "liveness/height-of-a-closed-connection-is-forgotten"),
        (EndlessSearch, "fork/search-without-answers-is-tried-ten-times"),
        (NoLeaderRule, "sync/one-up-to-date-masternode-lifts-all"),
        (LowerPeersNotChecked, "fork/masternode-ahead-on-its-own-fork-comes-back"),
        (NoRelaxedTimeout, "liveness/whitelisted-peer-may-miss-five-pongs"),
        (FlatBackOff, "connections/masternode-that-refuses-is-redialled"),
        (WhitelistBeatsBlacklist, "connections/blacklist-beats-whitelist"),
        (AnyPongCounts, "liveness/wrong-nonce-is-no-answer"),
        (ForeignGenesisCounts, "byzantine/foreign-genesis-is-ignored"),
        (ForksSkipped, "phase-3/03-fork-at-equal-height"),
        (RedialsForEver, "connections/regular-peer-is-given-up-after-ten-dials"),
        (LooksAtTicksOnly, "sync/lag-is-not-halved-by-each-tick"),
        (SearchesKeptAgain, "fork/kept-against-a-longer-one-is-no-storm"),
    ]
};

/// The history that another process writes of this file and seed.
fn elsewhere(file: &Found, seed: u64) -> Result<Vec<u8>, Failed> {
    let dir = tempfile::tempdir()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.arg("run").arg(&file.path).arg("--seed").arg(seed.to_string()).arg("--out").arg(dir.path());
    let output = command.stdin(Stdio::null()).output()?;
    let history = folder::place(dir.path(), &file.name(), seed).join("history.jsonl");
    let complaints = String::from_utf8_lossy(&output.stderr);
    Ok(std::fs::read(&history).map_err(|error| format!("{}: {error}; {complaints}", history.display()))?)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn main() {
    let files = find(&[root()]).expect("the scenarios folder can be read");
    let mut trials = Vec::new();
    for file in files {
        let (name, again, incident_of) = (file.name(), file.clone(), file.clone());
        trials.push(Trial::test(name.clone(), move || plain(&file)));
        trials.push(Trial::test(format!("jittered: {name}"), move || jittered(&again)));
        // A wrong file is told by the other trials.
        let scenario = Scenario::load(&incident_of.path, &incident_of.root).ok();
        if let Some(scenario) = scenario.filter(|scenario| scenario.incident.is_some()) {
            trials.push(Trial::test(format!("incident: {name}"), move || incident(&scenario)));
        }
    }
    for (mutant, name) in CATCHES {
        trials.push(Trial::test(format!("mutant: {mutant:?}"), move || caught(mutant, name)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn plain(file: &Found) -> Result<(), Failed> {
    let scenario = Scenario::load(&file.path, &file.root)?;
    let run = run(&scenario, scenario.seed, &Backend::simulation())?;
    passes(&run.judged, scenario.seed)?;
    let elsewhere = elsewhere(file, scenario.seed)?;
    let mut here = Vec::new();
    harness::history::write(&run.history, &mut here)?;
    if here != elsewhere {
        return Err(first_difference(&here, &elsewhere).into());
    }
    let snapshot = scenario.name.replace('/', "__");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    if scenario.name.starts_with("regressions/") && !folder.join(format!("{snapshot}.snap")).exists() {
        return Ok(());
    }
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(snapshot, transcript(&run.judged, &run.history));
    });
    Ok(())
}

fn jittered(file: &Found) -> Result<(), Failed> {
    let scenario = Scenario::load(&file.path, &file.root)?;
    for seed in 1..=5 {
        passes(&run(&scenario, seed, &Backend::Simulation(Variation { jitter: true }))?.judged, seed)?;
    }
    Ok(())
}

fn incident(scenario: &Scenario) -> Result<(), Failed> {
    let jittered = (1..=3).map(|seed| (seed, Backend::Simulation(Variation { jitter: true })));
    for (seed, backend) in [(SEED, Backend::simulation())].into_iter().chain(jittered) {
        for arm in arms(scenario) {
            let result = run_arm(scenario, &arm, seed, &backend)?;
            let as_they_are = arm.settings.is_empty() && arm.mutant.is_none();
            let shown = if as_they_are { result.shows_cure() } else { result.shows_incident() };
            shown.map_err(|grounds| format!("{}, seed {seed}: {grounds}", arm.name))?;
        }
    }
    Ok(())
}

fn caught(mutant: Mutant, name: &str) -> Result<(), Failed> {
    let scenario = Scenario::load(&root().join(format!("{name}.yaml")), &root())?;
    switch(Some(mutant));
    let run = run(&scenario, SEED, &Backend::simulation());
    switch(None);
    match run?.judged.verdict {
        Verdict::Fail => Ok(()),
        other => Err(format!("{name} says {other} of a node with this defect").into()),
    }
}

fn passes(judged: &JudgeResult, seed: u64) -> Result<(), Failed> {
    let mut grounds = String::new();
    for finding in judged.findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
        let _ = writeln!(grounds, "seed {seed}: {}: {}", finding.verdict, finding.check);
        let _ = writeln!(grounds, "  expected  {}\n  actual    {}", finding.expected, finding.actual);
        let _ = writeln!(grounds, "  nearest   {}", finding.nearest.as_deref().unwrap_or("nothing like it"));
    }
    if grounds.is_empty() { Ok(()) } else { Err(grounds.into()) }
}

/// What is compared with the snapshot: convergence times, which are exact, and the significant lines.
fn transcript(judged: &JudgeResult, history: &History) -> String {
    let mut text = String::new();
    for (what, took) in &judged.convergence {
        let _ = writeln!(text, "{what}: after {:.3} s", took.as_secs_f64());
    }
    text + &normal(history)
}

fn first_difference(here: &[u8], elsewhere: &[u8]) -> String {
    let (here, elsewhere) = (String::from_utf8_lossy(here), String::from_utf8_lossy(elsewhere));
    let lines = here.lines().zip(elsewhere.lines()).enumerate();
    match lines.into_iter().find(|(_, (a, b))| a != b) {
        Some((i, (a, b))) => format!("two processes saw different things; line {}:\n  {a}\n  {b}", i + 1),
        None => "two processes saw different things: one history is the beginning of the other".to_owned(),
    }
}
