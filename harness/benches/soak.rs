//! Ten nodes, ten minutes of production and faults in real time: do descriptors and memory stay flat? `ci/soak.sh`.
#![allow(clippy::unwrap_used, reason = "a benchmark that fails, fails")]
use std::path::{Path, PathBuf};

use harness::check::Verdict;
use harness::history::{History, What};
use harness::run::privilege::{Ability, ability};
use harness::run::{Backend, ProcessOptions, Program, run};
use harness::scenario::Scenario;

/// Minutes whose figures are shown.
const SHOWN: [u64; 6] = [1, 2, 4, 6, 8, 10];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let scenario = Scenario::load(&root.join("chaos/ten-nodes-soak.yaml"), &root).unwrap();
    let ability = ability();
    assert!(matches!(ability, Ability::Namespaces), "{ability:?}");
    let node = PathBuf::from(env!("CARGO_BIN_EXE_reference-node"));
    let run = run(
        &scenario,
        1,
        &Backend::Processes(ProcessOptions { program: Program::Reference(node), time_scale: 1, ability }),
    )
    .unwrap();
    for finding in run.judged.findings.iter().filter(|finding| finding.verdict != Verdict::Pass) {
        println!("{}: {}: {}", finding.verdict, finding.check, finding.actual);
    }
    println!("10 nodes, {} s: {}", scenario.runs_for.as_secs(), run.judged.verdict);
    show(&run.history, "process_open_fds", 1.0, "descriptors");
    show(&run.history, "process_resident_memory_bytes", 1_048_576.0, "MiB resident");
    assert_eq!(run.judged.verdict, Verdict::Pass);
}

/// The least and the greatest of all nodes at each of some minutes.
fn show(history: &History, name: &str, unit: f64, words: &str) {
    print!("{words}:");
    for minute in SHOWN {
        let around = history.observations().iter().filter(|seen| (seen.at.as_secs() + 10) / 60 == minute);
        let values: Vec<f64> = around
            .filter_map(|seen| match &seen.what {
                What::Metrics(values) => values.get(name).map(|value| value / unit),
                _ => None,
            })
            .collect();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        print!("  {minute} min {least:.0}-{most:.0}");
    }
    println!();
}
