//! One scenario, two networks: each file of `scenarios/` that has a `time_scale` runs in the simulation and as processes on real sockets,
//! passes in both, and every node decides the same in both.
use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use harness::history::decisions;
use harness::run::privilege::{Ability, ability, enter_user_namespace_if_needed};
use harness::run::{Backend, ProcessOptions, Program, Run, run};
use harness::scenario::{Found, Scenario, find};
use libtest_mimic::{Arguments, Failed, Trial};
use similar::TextDiff;

const SEED: u64 = 1;
/// Processes mostly wait.
const AT_ONCE: usize = 6;
/// The text's scenarios, and at least ten others.
const AT_LEAST: usize = 14;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn main() {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    enter_user_namespace_if_needed().expect("a user namespace that was entered has users");
    let ability = ability();
    // Said by whoever runs the tests; elsewhere a machine that lacks the means fails them.
    let without = std::env::var("LOCKSTEP_NO_NAMESPACES").is_ok_and(|value| value == "1");
    let files = find(&[root()]).expect("the scenarios folder can be read");
    let mut scenarios: Vec<_> = files.iter().filter_map(|file| Some((file.clone(), fast(file)?))).collect();
    // The longest first, so that none is waited for alone.
    scenarios.sort_by_key(|(_, scenario)| Reverse(scenario.runs_for));
    let mut trials: Vec<Trial> = scenarios
        .into_iter()
        .map(|(file, scenario)| {
            let ability = ability.clone();
            Trial::test(file.name(), move || parity(&scenario, ability)).with_ignored_flag(without)
        })
        .collect();
    let count = trials.len();
    let texts = trials.iter().filter(|trial| trial.name().starts_with("phase-3/0")).count();
    trials.push(Trial::test("enough scenarios run on both", move || {
        if count >= AT_LEAST && texts >= 4 { Ok(()) } else { Err(format!("{count}, {texts} of the text's").into()) }
    }));
    libtest_mimic::run(&arguments, trials).exit();
}

/// The scenario of a file that has a fast profile.
fn fast(file: &Found) -> Option<Scenario> {
    let scenario = Scenario::load(&file.path, &file.root).expect("every scenario file is right");
    (scenario.time_scale > 1).then_some(scenario)
}

fn parity(scenario: &Scenario, ability: Ability) -> Result<(), Failed> {
    if let Ability::Loopback(why) = &ability {
        return Err(format!("no network namespaces: {why} (LOCKSTEP_NO_NAMESPACES=1 leaves these tests out)").into());
    }
    let node = PathBuf::from(env!("CARGO_BIN_EXE_reference-node"));
    let processes = ProcessOptions { program: Program::Reference(node), time_scale: scenario.time_scale, ability };
    let simulated = run(scenario, SEED, &Backend::simulation())?;
    let real = run(scenario, SEED, &Backend::Processes(processes))?;
    for (name, run) in [("simulation", &simulated), ("processes", &real)] {
        passes(name, run)?;
    }
    let (simulated, real) = (decisions(&simulated.history), decisions(&real.history));
    if simulated == real {
        return Ok(());
    }
    let diff = TextDiff::from_lines(&simulated, &real);
    Err(diff.unified_diff().header("simulation", "processes").to_string().into())
}

fn passes(name: &str, run: &Run) -> Result<(), Failed> {
    match run.judged.findings.iter().max_by_key(|finding| finding.verdict) {
        Some(worst) if worst.verdict != harness::check::Verdict::Pass => Err(format!(
            "{name}: {}: {}\n  expected  {}\n  actual    {}\n  nearest   {}",
            worst.verdict,
            worst.check,
            worst.expected,
            worst.actual,
            worst.nearest.as_deref().unwrap_or("nothing like it")
        )
        .into()),
        _ => Ok(()),
    }
}
