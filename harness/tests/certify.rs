//! The catalogue judged:
//!
//! - `NAME`: the reference node passes this trial, with exact ticks and under seeds with jittered ones (`LOCKSTEP_SEEDS` of them, 2 by default);
//! - `mutant: DEFECT`: a node with this defect fails a trial of the requirement that it breaks.
//!
//! With `LOCKSTEP_MATRIX=FILE` each defect meets every case, and the table of who found what is written there.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::certify::{Judgement, Subject, Suite, Trial, sensitivity};
use harness::check::Verdict;
use harness::run::{Backend, Variation};
use libtest_mimic::{Arguments, Failed, Trial as Test};
use node::protocol::mutant::{Mutant, switch};

const SEED: u64 = 1;

/// Which requirement each defect breaks. Four break decisions of the reference node that no requirement names: only scenarios see them.
const BREAKS: [(Mutant, &str); 38] = {
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
    ]
};

/// Defects that break no requirement.
const UNNAMED: [Mutant; 4] = {
    use Mutant::*;
    [LowerPeersNotChecked, WhitelistBeatsBlacklist, ForeignGenesisCounts, NeverBenched]
};

fn suite() -> Suite {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cases");
    Suite::load(&cases).expect("the shipped cases are valid")
}

fn main() {
    let trials = suite().trials(true);
    if let Ok(path) = std::env::var("LOCKSTEP_MATRIX") {
        std::fs::write(&path, matrix(&trials)).expect("the table can be written");
        return;
    }
    let mut tests: Vec<Test> = trials
        .iter()
        .cloned()
        .map(|trial| Test::test(trial.to_string(), move || passes(&trial)))
        .collect();
    for mutant in Mutant::ALL {
        let trials = trials.clone();
        tests.push(Test::test(format!("mutant: {mutant:?}"), move || is_killed(*mutant, &trials)));
    }
    tests.push(Test::test("every requirement has a case", move || every_row_has_a_case(&trials)));
    tests.push(Test::test("the table of defects is of these", table_is_of_these));
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}

fn judged(trial: &Trial, seed: u64, jitter: bool) -> Result<Judgement, Failed> {
    let subject = Subject::simulated(Backend::Simulation(Variation { jitter }));
    Ok(trial.run(&subject, seed)?.1)
}

fn passes(trial: &Trial) -> Result<(), Failed> {
    let seeds: u64 = std::env::var("LOCKSTEP_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(2);
    for (seed, jitter) in std::iter::once((SEED, false)).chain((1..=seeds).map(|seed| (seed, true))) {
        let judgement = judged(trial, seed, jitter)?;
        if judgement.verdict != Verdict::Pass {
            return Err(grounds(&judgement, seed, jitter).into());
        }
    }
    Ok(())
}

fn grounds(judgement: &Judgement, seed: u64, jitter: bool) -> String {
    let mut text = format!("seed {seed}, jitter {jitter}: {} {:?}\n", judgement.verdict, judgement.grounds);
    for (channel, finding) in judgement.findings.iter().filter(|(_, finding)| finding.verdict != Verdict::Pass) {
        let _ = writeln!(text, "{channel}: {}: {}", finding.verdict, finding.check);
        let _ = writeln!(text, "  expected  {}\n  actual    {}", finding.expected, finding.actual);
        let _ = writeln!(text, "  nearest   {}", finding.nearest.as_deref().unwrap_or("nothing like it"));
    }
    text
}

/// Whether a node with this defect fails the trial.
fn kills(mutant: Mutant, trial: &Trial) -> Result<bool, Failed> {
    switch(Some(mutant));
    // A panic is a node that ended.
    let judged = std::panic::catch_unwind(|| judged(trial, SEED, false));
    switch(None);
    match judged {
        Ok(judged) => Ok(judged?.verdict == Verdict::Fail),
        Err(_) => Ok(true),
    }
}

fn is_killed(mutant: Mutant, trials: &[Trial]) -> Result<(), Failed> {
    if UNNAMED.contains(&mutant) {
        return Ok(());
    }
    let (_, id) = BREAKS.iter().find(|(broken, _)| *broken == mutant).ok_or("no requirement is named for it")?;
    for trial in trials.iter().filter(|trial| trial.case.requirements[0] == *id) {
        if kills(mutant, trial)? {
            return Ok(());
        }
    }
    Err(format!("no case of {id} fails").into())
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
        (_, missing) => Err(format!("`{}`, not `{wanted}`; missing {missing:?}: run ci/sensitivity.sh", sensitivity()).into()),
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
                    if kills(BREAKS[row].0, trial).unwrap_or(false) {
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
