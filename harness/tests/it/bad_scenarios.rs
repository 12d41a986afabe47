//! Each kind of mistake in a scenario file is shown with its place and advice.
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use harness::scenario::{LoadError, Scenario};

const SNAPSHOTS: &str = "../snapshots/bad-scenarios";

fn stems(folder: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files.map(|name| name.split('.').next().unwrap().to_owned()).collect()
}

#[test]
fn every_bad_scenario_is_explained() {
    // Relative to the package, so that the snapshots hold on every machine.
    let folder = Path::new("../fixtures/bad-scenarios");
    let names = stems(folder);
    assert!(!names.is_empty());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(SNAPSHOTS);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for name in &names {
            match Scenario::load(&folder.join(name).with_extension("yaml"), folder) {
                Err(LoadError::Wrong(error)) => {
                    insta::assert_snapshot!(name.as_str(), error.to_string())
                }
                Err(other) => panic!("{name}: {other}"),
                Ok(_) => panic!("{name} is accepted"),
            }
        }
    });
    let snapshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/bad-scenarios");
    assert_eq!(names, stems(&snapshots), "each file has a snapshot, and each snapshot its file");
}

#[test]
fn a_file_over_one_mebibyte_is_refused_and_not_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.yaml");
    // A sparse file: reading 64 GiB whole would end the test.
    fs::File::create(&path).unwrap().set_len(64 << 30).unwrap();
    let error = Scenario::load(&path, folder.path()).unwrap_err();
    assert!(matches!(&error, LoadError::Wrong(wrong) if wrong.problems[0].title.contains("1 MiB")), "{error}");
}

#[test]
fn what_cannot_be_read_is_no_bad_content() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("missing.yaml"), folder.path().to_owned()] {
        assert!(matches!(Scenario::load(&path, folder.path()), Err(LoadError::Unreadable { .. })));
    }
}
