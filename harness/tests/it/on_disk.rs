//! What is on disk is exercised: catalogue rows by scenarios, fixtures by tests, log lines by a scenario's run.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use harness::scenario::requirement::catalogue;
use harness::scenario::{Scenario, find};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Rows that a simulated network alone can't show, each with its reason. A scenario that names one makes this list wrong.
const NOT_SIMULATED: &[(&str, &str)] = &[];

#[test]
fn every_requirement_is_named_by_a_scenario() {
    let files = find(&[root().join("scenarios")]).unwrap();
    let scenarios = files.iter().map(|file| Scenario::load(&file.path, &file.root).unwrap());
    let named: BTreeSet<String> = scenarios.flat_map(|scenario| scenario.requirements).collect();
    let excused: BTreeSet<String> = NOT_SIMULATED.iter().map(|(id, _)| (*id).to_owned()).collect();
    let all: BTreeSet<String> = catalogue().iter().map(|row| row.id.clone()).collect();
    assert_eq!(all.len(), 70);
    let missing: Vec<&String> = all.iter().filter(|id| !named.contains(*id) && !excused.contains(*id)).collect();
    assert!(missing.is_empty(), "no scenario names {missing:?}");
    assert!(excused.is_disjoint(&named), "scenarios name rows that are excused");
}

/// The text of all sources and tests.
fn sources(dir: &Path, text: &mut String) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("snapshots") {
            sources(&path, text);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_fixture_is_read_by_some_test() {
    let mut text = String::new();
    for package in ["node", "harness"] {
        sources(&root().join(package), &mut text);
    }
    for entry in fs::read_dir(root().join("fixtures")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let files: Vec<String> = if path.is_dir() {
            let files = fs::read_dir(&path).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
            files.map(|file| format!("{name}/{file}")).collect()
        } else {
            vec![name.clone()]
        };
        for file in files {
            // A test that walks a whole folder names the folder, and one that builds names by a macro names the stem.
            let stem = Path::new(&file).file_stem().unwrap().to_str().unwrap();
            let named = [file.clone(), format!("fixtures/{name}\""), format!("\"{stem}\"")];
            let read = file.ends_with(".md") || named.iter().any(|name| text.contains(name));
            assert!(read, "nothing reads fixtures/{file}");
        }
    }
}

#[test]
fn every_snapshot_has_its_scenario() {
    let files = find(&[root().join("scenarios")]).unwrap();
    let wanted: BTreeSet<String> =
        files.iter().map(|file| format!("{}.snap", file.name().replace('/', "__"))).collect();
    let dir = fs::read_dir(root().join("harness/tests/snapshots")).unwrap();
    let there = dir.map(|file| file.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> = there.filter(|name| name.ends_with(".snap")).collect();
    // What `lockstep replay --keep` files runs from then on, with a snapshot or without.
    let needed: BTreeSet<String> = wanted.iter().filter(|name| !name.starts_with("regressions__")).cloned().collect();
    assert!(there.is_subset(&wanted), "without a scenario: {:?}", there.difference(&wanted));
    assert!(needed.is_subset(&there), "without a snapshot: {:?}", needed.difference(&there));
}
