//! Who may use whom: the `use` paths of all sources against the plan of the house.
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a folder of a package may use of its own package; a folder may always use itself.
const NODE: &[(&str, &[&str])] = &[
    ("chain", &[]),
    ("wire", &["chain"]),
    ("config", &["chain"]),
    ("protocol", &["chain", "wire", "config"]),
    ("store", &["chain"]),
    ("telemetry", &["protocol", "chain"]),
    ("runtime", &["protocol", "wire", "store", "telemetry", "config", "chain"]),
    ("http", &["runtime", "telemetry", "protocol"]),
    ("cli", &["runtime", "http", "config", "store", "telemetry", "chain"]),
];
const HARNESS: &[(&str, &[&str])] = &[
    ("scenario", &[]),
    ("history", &[]),
    ("fault", &["scenario"]),
    ("words", &["scenario"]),
    ("check", &["history", "scenario"]),
    ("peer", &["scenario", "history"]),
    ("oracle", &["history"]),
    ("subject", &["scenario", "history", "fault", "peer", "words", "oracle"]),
    ("run", &["scenario", "subject", "fault", "peer", "check", "history"]),
    ("report", &["run", "check", "history", "scenario"]),
    ("certify", &["run", "report", "check", "history", "peer", "scenario"]),
    ("replay", &["history", "scenario", "run", "report", "words"]),
    ("export", &["scenario", "subject", "peer"]),
    ("explore", &["run", "report", "check", "history", "scenario", "peer", "subject", "fault"]),
    ("cli", &["certify", "explore", "export", "replay", "run", "report", "check", "history", "scenario"]),
];
/// What judges, and what it judges by, knows no node: it works unchanged for a stranger's.
const JUDGES: &[&str] = &["check", "history", "scenario", "report"];
/// What the core must not touch: time, sockets, threads, randomness and logs come from outside.
const NOT_IN_CORE: &[&str] = &[
    "tokio",
    "std::net::Tcp",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::thread",
    "std::fs",
    "rand",
    "tracing",
    "async ",
];

fn package(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src")
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The code of a file without comments and without its unit tests, which may use more.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// The first segments after `crate::`, also inside of a group.
fn uses(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut used = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(group) => {
                let group = group.split("};").next().unwrap_or_default();
                used.extend(group.split(',').map(|item| word(item.trim())));
            }
            None => {
                used.insert(word(after));
            }
        }
    }
    used
}

fn offences(package_name: &str, arrows: &[(&str, &[&str])]) -> Vec<String> {
    let folders: BTreeSet<&str> = arrows.iter().map(|(folder, _)| *folder).collect();
    let mut offences = Vec::new();
    for (folder, allowed) in arrows {
        for file in sources(&package(package_name).join(folder)) {
            for used in uses(&code(&file)) {
                if folders.contains(used.as_str()) && used != *folder && !allowed.contains(&used.as_str()) {
                    offences.push(format!("{}: {folder} -> {used}", file.display()));
                }
            }
        }
    }
    offences
}

#[test]
fn every_folder_has_its_arrows() {
    for (name, arrows) in [("node", NODE), ("harness", HARNESS)] {
        let planned: BTreeSet<String> = arrows.iter().map(|(folder, _)| (*folder).to_owned()).collect();
        let entries = fs::read_dir(package(name)).unwrap().map(|entry| entry.unwrap());
        let folders = entries.filter(|entry| entry.path().is_dir());
        let there: BTreeSet<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
        assert_eq!(there, planned, "folders of {name}");
    }
}

#[test]
fn arrows_go_one_way() {
    let mut all = offences("node", NODE);
    all.extend(offences("harness", HARNESS));
    assert!(all.is_empty(), "forbidden arrows:\n{}", all.join("\n"));
}

#[test]
fn judges_know_no_node() {
    for folder in JUDGES {
        for file in sources(&package("harness").join(folder)) {
            assert!(!code(&file).contains("node::"), "{} uses package node", file.display());
        }
    }
}

#[test]
fn the_core_touches_nothing_outside() {
    for file in sources(&package("node").join("protocol")) {
        let code = code(&file);
        for forbidden in NOT_IN_CORE {
            let found = code.lines().find(|line| line.contains(forbidden) && !line.contains("//"));
            assert_eq!(found, None, "{}: {forbidden}", file.display());
        }
    }
}

#[test]
fn the_reader_of_arrows_sees_them() {
    let code = "use crate::{check, fault::link};\nuse crate::history::What;\nlet x = crate::peer::run;\n";
    assert_eq!(uses(code), ["check", "fault", "history", "peer"].map(str::to_owned).into());
}
