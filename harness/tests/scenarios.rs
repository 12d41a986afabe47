//! A test of its own name for each file of `scenarios/`.
use std::path::Path;

use harness::check::Verdict;
use harness::run::run;
use harness::scenario::{Found, Scenario, find};
use harness::subject::sim::Variation;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let files = find(std::slice::from_ref(&root)).expect("the scenarios folder can be read");
    let trials = files.into_iter().map(|file| Trial::test(file.name(), move || one(&file)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn one(file: &Found) -> Result<(), Failed> {
    let scenario = Scenario::load(&file.path, &file.root)?;
    let run = run(&scenario, 1, Variation::default())?;
    if let Ok(dir) = std::env::var("LOCKSTEP_HISTORY") {
        std::fs::write(Path::new(&dir).join(scenario.name.replace('/', "_")), harness::history::normal(&run.history))
            .unwrap();
    }
    let bad: Vec<String> = run
        .judged
        .findings
        .iter()
        .filter(|finding| finding.verdict != Verdict::Pass)
        .map(|f| {
            format!(
                "{}: {}\n  expected {}\n  actual {}\n  nearest {:?}",
                f.verdict, f.check, f.expected, f.actual, f.nearest
            )
        })
        .collect();
    if bad.is_empty() { Ok(()) } else { Err(bad.join("\n").into()) }
}
