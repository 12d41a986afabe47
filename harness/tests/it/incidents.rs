//! The shipped incidents: each happens with the nodes as they were and not with those of today, and its logs are what the production nodes
//! would have written of it. `LOCKSTEP_UPDATE=1` writes the logs.
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use harness::history::History;
use harness::run::Backend;
use harness::run::arm::{arms, run_arm};
use harness::scenario::Scenario;
use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::production_log::{Form, Line, lines};

/// A log file as an operator has it.
struct File {
    name: &'static str,
    /// Who wrote into it, and by how many seconds each clock is ahead.
    hosts: &'static [(&'static str, i64)],
    form: Form,
    /// What became of it on its way to the operator.
    way: fn(String) -> Vec<u8>,
}

fn untouched(text: String) -> Vec<u8> {
    text.into_bytes()
}

/// Through an editor of another system, with a remark between.
fn remarked(text: String) -> Vec<u8> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(lines.len() / 2, "(ops: the same every half minute, all night)");
    lines.join("\r\n").into_bytes()
}

/// Read as a Turkish Windows code page and saved as UTF-8.
fn mojibake(text: String) -> Vec<u8> {
    encoding_rs::WINDOWS_1254.decode_without_bom_handling(text.as_bytes()).0.into_owned().into_bytes()
}

/// Cut by a rotation in the middle of a line, then compressed.
fn rotated(text: String) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::best());
    gz.write_all(&text.as_bytes()[21..]).unwrap();
    gz.finish().unwrap()
}

fn folder(incident: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/incidents").join(incident)
}

/// The history of the nodes as they were, where both sides are what they should be.
fn history(scenario: &Scenario) -> History {
    let [now, then] = &arms(scenario)[..] else { panic!("an incident has two arms") };
    let run = |arm| run_arm(scenario, arm, 1, &Backend::simulation()).unwrap();
    run(now).shows_cure().unwrap_or_else(|grounds| panic!("as configured: {grounds}"));
    let then = run(then);
    then.shows_incident().unwrap_or_else(|grounds| panic!("as it was: {grounds}"));
    then.history
}

fn content(scenario: &Scenario, history: &History, file: &File, began: DateTime) -> String {
    let mut all: Vec<(DateTime, &str, Line)> = Vec::new();
    for (host, ahead) in file.hosts {
        let clock = began + SignedDuration::from_secs(*ahead);
        all.extend(lines(scenario, history, host).into_iter().map(|line| (clock, *host, line)));
    }
    // Who collects the lines of several hosts gets them in order of the hosts' own times.
    all.sort_by_key(|(clock, _, line)| *clock + SignedDuration::try_from(line.at).unwrap());
    let banner = file.form.banner(file.hosts[0].0);
    let lines = all.iter().map(|(clock, host, line)| file.form.line(*clock, host, line));
    banner + &lines.collect::<String>()
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match GzDecoder::new(bytes).read_to_end(&mut plain) {
        Ok(_) => plain,
        Err(_) => bytes.to_vec(),
    }
}

fn shipped(incident: &str, began: &str, files: &[File]) {
    let folder = folder(incident);
    let scenario = Scenario::load(&folder.join("script.yaml"), &folder).unwrap();
    let history = history(&scenario);
    let began: DateTime = began.parse().unwrap();
    let mut names = vec!["script.yaml".to_owned()];
    for file in files {
        let text = content(&scenario, &history, file, began);
        let count = text.lines().count();
        assert!((100..=1500).contains(&count), "{}: {count} lines", file.name);
        let wanted = (file.way)(text);
        let path = folder.join(file.name);
        if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
            fs::write(&path, &wanted).unwrap();
        }
        let there = fs::read(&path).unwrap_or_default();
        let same = unpacked(&there) == unpacked(&wanted);
        assert!(same, "{} is not what the run writes: look at both with LOCKSTEP_UPDATE=1", path.display());
        names.push(file.name.to_owned());
    }
    let there = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut there: Vec<String> = there.collect();
    there.sort();
    names.sort();
    assert_eq!(there, names);
}

#[test]
fn passive_node() {
    shipped(
        "passive-node",
        "2025-12-14T03:20:11.402",
        &[
            File { name: "mn11.log", hosts: &[("mn11", 0)], form: Form::Colours, way: untouched },
            File { name: "mn12.log", hosts: &[("mn12", 0)], form: Form::Colours, way: untouched },
            File { name: "mn13.log", hosts: &[("mn13", 95)], form: Form::Colours, way: untouched },
            File { name: "mn14.log", hosts: &[("mn14", 0)], form: Form::Colours, way: untouched },
        ],
    );
}

#[test]
fn disconnects_mid_sync() {
    let file = File { name: "mn21.log", hosts: &[("mn21", 0)], form: Form::Json, way: untouched };
    shipped("disconnects-mid-sync", "2025-12-17T14:05:40.118302", &[file]);
}

#[test]
fn sync_loop_2626() {
    let file = File { name: "node31.log", hosts: &[("node31", 0)], form: Form::Bare, way: remarked };
    shipped("sync-loop-2626", "2025-12-12T01:47:00", &[file]);
}

#[test]
fn same_height_fork() {
    let hosts = &[("mn41", 0), ("mn42", 0), ("mn43", 2), ("mn44", 0)];
    let file = File { name: "journal.log", hosts, form: Form::Journal, way: untouched };
    shipped("same-height-fork", "2025-12-31T23:55:00", &[file]);
}

#[test]
fn lone_leader() {
    shipped(
        "lone-leader",
        "2026-01-06T09:30:02.250",
        &[
            File { name: "mn51.log", hosts: &[("mn51", 0)], form: Form::Pretty, way: mojibake },
            File { name: "vps52.log", hosts: &[("vps52", 0)], form: Form::Pretty, way: mojibake },
            File { name: "vps53.log", hosts: &[("vps53", 0)], form: Form::Pretty, way: mojibake },
        ],
    );
}

#[test]
fn handshake_then_eof() {
    let file = File { name: "mn61.log.gz", hosts: &[("mn61", 0)], form: Form::JournalShort, way: rotated };
    shipped("handshake-then-eof", "2026-01-13T00:15:14", &[file]);
}
