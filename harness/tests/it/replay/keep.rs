//! Regressions that are kept, and their logs.
use std::path::Path;

use harness::scenario::find;

use super::{GOOD, incident, logs, printed, replay, root};

#[test]
fn shipped_regressions_are_what_their_logs_give() {
    // What an operator keeps may have been made with other words, or have been worked on: it only has to run.
    let names =
        find(&[root().join("regressions")]).unwrap().into_iter().map(|file| file.name().replace("regressions/", ""));
    let shipped: Vec<String> = names.filter(|name| incident(name).join("script.yaml").exists()).collect();
    assert!(shipped.len() >= 6, "six regressions ship");
    for name in shipped {
        let dir = tempfile::tempdir().unwrap();
        let (logs, folder) = (logs(&name), dir.path().display().to_string());
        let mut words: Vec<&str> = logs.iter().map(String::as_str).collect();
        words.extend(["--year", "2025", "--keep", &name, "--scenarios", &folder]);
        replay(&words).success();
        let kept = std::fs::read_to_string(dir.path().join("regressions").join(format!("{name}.yaml"))).unwrap();
        assert_eq!(kept, std::fs::read_to_string(root().join(format!("regressions/{name}.yaml"))).unwrap(), "{name}");
        // A second one doesn't take its place.
        let again = replay(&words).code(3).get_output().clone();
        assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
    }
}

#[test]
fn logs_are_kept_where_that_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (scenarios, incidents) = (path("scenarios"), path("incidents"));
    let (logs, kept_logs) = (logs("passive-node"), format!("--keep-logs={incidents}"));
    let keep = |more: &[&'static str], logs: &[&str]| {
        let words = [logs, &["--keep", "short", "--scenarios", &scenarios, &kept_logs], more].concat();
        replay(&words)
    };
    let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
    let big = path("big.log");
    std::fs::write(&big, GOOD.repeat((17 << 20) / GOOD.len())).unwrap();
    for (done, why) in [
        (keep(&["--redact"], &logs), "cannot be used with"),
        (keep(&["--lenient"], &[&logs[..], &["-"]].concat()), "- can't be kept under a name of its own"),
        (keep(&[], &[&big]), "the logs have 17 MiB, and 16 MiB are kept at most"),
    ] {
        let told = printed(&done.code(3));
        assert!(told.contains(why), "{told}");
        assert!(!Path::new(&scenarios).exists() && !Path::new(&incidents).exists(), "{told}");
    }
    keep(&[], &logs).success();
    let scenario = std::fs::read_to_string(dir.path().join("scenarios/regressions/short.yaml")).unwrap();
    assert!(scenario.contains("# mn12.log:14"), "{scenario}");
    for log in &logs {
        let name = Path::new(log).file_name().unwrap();
        let kept = std::fs::read(dir.path().join("incidents/short").join(name)).unwrap();
        assert_eq!(kept, std::fs::read(log).unwrap(), "{log}");
    }
    // Without a word nothing is copied, and nothing that was kept is written over.
    let words = [&logs[..], &["--keep", "other", "--scenarios", &scenarios]].concat();
    replay(&words).success();
    std::fs::remove_file(dir.path().join("scenarios/regressions/short.yaml")).unwrap();
    let told = printed(&keep(&[], &logs).code(3));
    assert!(told.contains("incidents/short is there already"), "{told}");
    assert_eq!(std::fs::read_dir(&incidents).unwrap().count(), 1);
}
