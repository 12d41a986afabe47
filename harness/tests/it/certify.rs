//! `lockstep certify`, `verify` and `compare` as people meet them.
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn lockstep() -> Command {
    let mut command = Command::cargo_bin("lockstep").unwrap();
    command.current_dir(root());
    command
}

/// A statement about the reference node by the cases of one requirement.
fn stated() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    certify(&["--case", "MNS-SC-01"], dir.path()).code(0);
    dir
}

fn certify(arguments: &[&str], out: &Path) -> assert_cmd::assert::Assert {
    lockstep().args(["certify", "--reference", "--out"]).arg(out).args(arguments).assert()
}

/// Cases whose only one the reference node fails.
fn unfair() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let fair = fs::read_to_string(root().join("fixtures/cases/MNS-SC-01.yaml")).unwrap();
    // It asks for what comes at 100 s.
    fs::write(dir.path().join("unfair.yaml"), fair.replace("not_before: 100s\n        by: 135s", "by: 40s")).unwrap();
    dir
}

#[test]
fn a_statement_has_all_its_forms_and_follows_from_its_evidence() {
    let dir = stated();
    let text = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let statement: Value = serde_json::from_str(&text("statement.json")).unwrap();
    assert_eq!(statement["rows"].as_array().unwrap().len(), 70);
    let row = statement["rows"].as_array().unwrap().iter().find(|row| row["id"] == "MNS-SC-01").unwrap();
    assert_eq!((row["status"].as_str(), row["trials"].as_array().unwrap().len()), (Some("pass"), 2));
    assert_eq!(row["trials"][0]["repeat"], "lockstep certify --reference --case 'MNS-SC-01, inbound' --seed 1");
    assert!(row["trials"][0]["transcript"].as_array().unwrap().len() > 4);
    assert!(text("statement.md").contains("| MNS-SC-01 | MUST | pass |"));
    assert!(
        text("statement.html").contains("id=\"MNS-SC-01\"") && !text("statement.html").contains("src="),
        "self-contained"
    );
    assert!(text("badge.svg").starts_with("<svg ") && text("junit.xml").contains("MNS-SC-01"));
    lockstep().arg("verify").arg(dir.path()).assert().code(0).stdout(contains("2 trials says the same"));
    let file = dir.path().join("statement.json");
    lockstep().arg("verify").arg(&file).assert().code(0);
    lockstep()
        .arg("compare")
        .arg(&file)
        .arg(&file)
        .assert()
        .code(0)
        .stdout(contains("70 the same, 0 better in B, 0 worse in B"));
}

#[test]
fn what_was_changed_is_found() {
    let dir = stated();
    let statement = dir.path().join("statement.json");
    let good = fs::read_to_string(&statement).unwrap();
    let evidence = dir.path().join("evidence/MNS-SC-01.inbound.jsonl");
    let seen = fs::read_to_string(&evidence).unwrap();
    let refused = |code: i32, why: &str| {
        lockstep().arg("verify").arg(dir.path()).assert().code(code).stderr(contains(why));
    };
    fs::write(&evidence, seen.replacen("\"height\":1005", "\"height\":1004", 1)).unwrap();
    refused(3, "MNS-SC-01.inbound.jsonl: it was changed: its SHA-256 is ");
    fs::remove_file(&evidence).unwrap();
    refused(4, "cannot read ");
    fs::write(&evidence, &seen).unwrap();
    for (from, to, why) in [
        ("\"pass\"", "\"fail\"", "its seal does not fit"),
        ("\"lockstep_statement\": 1", "\"lockstep_statement\": 2", "a statement of version 2; this Lockstep reads 1"),
        ("\"rows\"", "\"lines\"", "no whole statement: missing field `rows` at line "),
    ] {
        fs::write(&statement, good.replacen(from, to, 1)).unwrap();
        refused(3, why);
    }
    fs::write(&statement, &good[..good.len() / 2]).unwrap();
    refused(3, "no statement: EOF while parsing");
    fs::write(&statement, &good).unwrap();
    let cases = unfair();
    let other = lockstep().arg("verify").arg(dir.path()).arg("--cases").arg(cases.path()).assert();
    other.code(3).stderr(contains("the statement is by the suite "));
}

#[test]
fn a_statement_that_its_evidence_denies_is_found() {
    use harness::certify::folder::{read, write};
    use harness::certify::statement::Status;

    let dir = stated();
    let mut statement = read(dir.path()).unwrap();
    let row = statement.rows.iter_mut().find(|row| row.id == "MNS-SC-01").unwrap();
    row.status = Status::Fail;
    row.trials[1].status = Status::Fail;
    // By somebody who knows how a seal is made.
    statement.seal = statement.sealed();
    write(dir.path(), &statement).unwrap();
    let told = lockstep().arg("verify").arg(dir.path()).assert().code(1);
    told.stdout(
        contains("MNS-SC-01, outbound: its evidence says pass, not fail")
            .and(contains("MNS-SC-01: its trials say pass, not fail"))
            .and(contains("the statement does not follow from its evidence")),
    );
}

#[test]
fn a_failure_is_told_with_its_grounds_and_a_waiver_excuses_it() {
    let (cases, out) = (unfair(), tempfile::tempdir().unwrap());
    let folder = ["--cases", cases.path().to_str().unwrap()];
    let failed = certify(&folder, out.path()).code(1);
    failed.stdout(
        contains("fail on wire: sequence: blocks_asked received by w1 or w2 or w3")
            .and(contains("expected  "))
            .and(contains("      | "))
            .and(contains("again: lockstep certify --reference --case 'unfair, inbound' --seed 1")),
    );
    let waivers = out.path().join("waivers.yaml");
    fs::write(&waivers, "- {id: MNS-SC-01, reason: known since May, until: 2999-12-31}\n").unwrap();
    let waived = ["--waivers", waivers.to_str().unwrap()];
    certify(&[folder, waived].concat(), out.path())
        .code(0)
        .stdout(contains("expected fail").and(contains("known since May")));
    let passes = certify(&[&["--case", "MNS-SC-01"][..], &waived].concat(), out.path());
    passes.code(1).stdout(contains("unexpected pass"));
    let better = lockstep().arg("compare").arg(out.path()).arg(stated().path()).assert();
    better.code(0).stdout(contains("MNS-SC-01 MUST   unexpected pass pass"));
}

#[test]
fn bad_files_and_arguments_are_shown_at_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let waivers = write(
        "waivers.yaml",
        "- {id: MNS-SC-99, reason: x, until: 2999-01-01}\n- {id: MNS-SC-01, reason: ' ', until: soon}\n\
         - {id: MNS-SC-01, reason: x, until: 2020-02-29}\n",
    );
    let profile = write(
        "profile.yaml",
        "name: ''\narguments: ['--listen={{listn}}', '{{peers|json}}', '{{ip']\nfiles: {../out: x}\n\
         log: {events: [{event: behint, pattern: '('}]}\nport: 0\nready: {log: '['}\nhosts: {'a b': '{{ip}}'}\n\
         helpers: [['{{lockstop}}']]\nunsupported: [{id: MNS-XX-01, reason: x}]\n",
    );
    let shown = |arguments: &[&str]| {
        let told = lockstep().arg("certify").args(arguments).arg("--out").arg(dir.path().join("out")).assert().code(3);
        let text = String::from_utf8(told.get_output().stderr.clone()).unwrap();
        text.replace(&dir.path().display().to_string(), "DIR")
    };
    insta::with_settings!({ snapshot_path => "../snapshots/certify", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("waivers", shown(&["--reference", "--waivers", &waivers]));
        insta::assert_snapshot!("profile", shown(&["--exec", "true", "--profile", &profile]));
    });
    let told = |arguments: &[&str], code: i32, why: &str| {
        lockstep()
            .arg("certify")
            .args(arguments)
            .arg("--out")
            .arg(dir.path().join("out"))
            .assert()
            .code(code)
            .stderr(contains(why));
    };
    let unread = write("unread.yaml", "name: x\nready: {log: ready}\n");
    told(&["--exec", "true", "--profile", &unread], 3, "a pattern for a log that isn't read");
    write("words.yaml", "- {event: mine, line: 'abcd {ip}'}\n- {event: mine, line: 'ab {ip}'}\n");
    let worded = write("worded.yaml", "name: x\nlog: {patterns: words.yaml}\n");
    told(&["--exec", "true", "--profile", &worded], 3, "words.yaml:2:23");
    let wordless = write("wordless.yaml", "name: x\nlog: {patterns: none.yaml}\n");
    told(&["--exec", "true", "--profile", &wordless], 4, "none.yaml: No such file");
    let far = write("far.yaml", "name: x\nattach: {whitelisted: [10.0.0.300]}\n");
    told(&["--attach", "127.0.0.1:24100", "--profile", &far], 3, "far.yaml:2:24");
    let good = "fixtures/profiles/reference.yaml";
    told(&["--attach", "127.0.0.1:24100"], 3, "--profile");
    told(&["--attach", "nowhere", "--profile", good], 3, "`--attach nowhere`: ");
    told(&["--attach", "127.0.0.1:24100", "--profile", good, "--time-scale", "2"], 3, "--attach");
    told(&[], 3, "--reference");
    told(&["--exec", "x"], 3, "--profile");
    told(&["--exec", "'x", "--profile", good], 3, "`'x` is no command");
    told(&["--exec", "./no-such-node", "--profile", good], 4, "cannot start ./no-such-node: No such file");
    told(&["--reference", "--case", "MNS-ZZ"], 3, "there is no case whose name contains `MNS-ZZ`");
    told(&["--reference", "--cases", "scenarios/sync"], 3, "it has no `case`");
    told(&["--reference", "--waivers", "no-such-file"], 4, "cannot read no-such-file");
}

#[test]
fn a_file_that_is_no_genesis_is_shown_at_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let profile = dir.path().join("profile.yaml");
    fs::write(&profile, "name: x\nblock_format: v3\ngenesis: genesis.json\n").unwrap();
    let told = |why: &str| {
        let mut command = lockstep();
        command.args(["certify", "--exec", "true", "--case", "MNS-ZZ", "--profile"]).arg(&profile);
        command.assert().code(3).stderr(contains(why));
    };
    told("`genesis.json` is no genesis");
    told("profile.yaml:3:10");
    told("genesis.json: No such file");
    let chain = fs::read_to_string(root().join("fixtures/chain/chain-v1.ndjson")).unwrap();
    let block = |height: usize| fs::write(dir.path().join("genesis.json"), chain.lines().nth(height).unwrap()).unwrap();
    block(1);
    told("a genesis has height 0, not 1");
    block(0);
    told("there is no case whose name contains `MNS-ZZ`");
    fs::write(&profile, "name: x\nblock_format: v4\n").unwrap();
    told("v4");
}

#[test]
fn schemas_are_printed() {
    for (kind, key) in
        [("scenario", "runs_for"), ("profile", "arguments"), ("waivers", "until"), ("statement", "lockstep_statement")]
    {
        lockstep().args(["schema", kind]).assert().code(0).stdout(contains(format!("\"{key}\"")));
    }
}
