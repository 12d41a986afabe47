//! Each file of `scenarios/` under the event queue: the verdict is the one that turmoil gives it (`tests/scenarios.rs`: all pass), what can't be
//! expressed is said, and a seed gives one history.
use std::path::{Path, PathBuf};

use harness::history::{self, History};
use harness::run::{Backend, Detail, Run, Verdict, run};
use harness::scenario::{Found, Scenario, find};
use libtest_mimic::{Arguments, Failed, Trial};

/// Most scenarios are about what the core does.
const UNSUPPORTED_AT_MOST: usize = 8;

fn main() {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let files = find(&[root]).expect("the scenarios folder can be read");
    let mut trials: Vec<Trial> = files.iter().cloned().map(trial).collect();
    trials.push(Trial::test("most scenarios can be expressed", move || {
        let unsupported =
            files.iter().filter(|file| played(file, Detail::Checked).judged.verdict == Verdict::Unsupported);
        let names: Vec<String> = unsupported.map(Found::name).collect();
        if names.len() <= UNSUPPORTED_AT_MOST { Ok(()) } else { Err(names.join(", ").into()) }
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(file: Found) -> Trial {
    Trial::test(file.name(), move || {
        let full = played(&file, Detail::Full);
        match full.judged.verdict {
            Verdict::Pass => {}
            Verdict::Unsupported if full.judged.findings.iter().all(|finding| finding.actual.contains("runtime")) => {
                return Ok(());
            }
            _ => return Err(grounds(&full).into()),
        }
        let again = played(&file, Detail::Full);
        if text(&again.history) != text(&full.history) {
            return Err("the same seed gave another history".into());
        }
        let checked = played(&file, Detail::Checked);
        if checked.judged.verdict != Verdict::Pass {
            return Err(format!("with less seen: {}", grounds(&checked)).into());
        }
        Ok::<(), Failed>(())
    })
}

fn played(file: &Found, detail: Detail) -> Run {
    let scenario = Scenario::load(&file.path, &file.root).expect("every scenario file is right");
    run(&scenario, 1, &Backend::EventQueue(detail)).expect("the nodes take their configurations")
}

fn grounds(run: &Run) -> String {
    let grounds = run.judged.findings.iter().filter(|finding| finding.verdict != Verdict::Pass);
    let line = |finding: &harness::run::Finding| {
        format!("{}: {}: expected {}, actual {}", finding.verdict, finding.check, finding.expected, finding.actual)
    };
    grounds.map(line).collect::<Vec<_>>().join("\n")
}

fn text(history: &History) -> Vec<u8> {
    let mut text = Vec::new();
    history::write(history, &mut text).expect("memory takes all");
    text
}
