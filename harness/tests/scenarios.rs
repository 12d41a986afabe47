//! A test of its own name for each file of `scenarios/`.
use std::path::Path;

use harness::check::Verdict;
use harness::run::run;
use harness::scenario::Scenario;
use harness::subject::sim::Variation;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let trials = files.into_iter().map(|file| {
        let name = file.strip_prefix(&root).unwrap_or(&file).with_extension("").display().to_string();
        let root = root.clone();
        Trial::test(name, move || one(&file, &root))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn one(file: &Path, root: &Path) -> Result<(), Failed> {
    let scenario = Scenario::load(file, root)?;
    let run = run(&scenario, 1, Variation::default())?;
    if let Ok(dir) = std::env::var("LOCKSTEP_HISTORY") {
        std::fs::write(Path::new(&dir).join(scenario.name.replace('/', "_")), harness::history::normal(&run.history)).unwrap();
    }
    let bad: Vec<String> = run
        .judged
        .findings
        .iter()
        .filter(|finding| finding.verdict != Verdict::Pass)
        .map(|f| format!("{}: {}\n  expected {}\n  actual {}\n  nearest {:?}", f.verdict, f.check, f.expected, f.actual, f.nearest))
        .collect();
    if bad.is_empty() { Ok(()) } else { Err(bad.join("\n").into()) }
}

fn collect(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    let entries = std::fs::read_dir(dir).expect("the scenarios folder can be read");
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
