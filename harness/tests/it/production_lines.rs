//! The production node's lines tell `certify` what they tell `replay`, whatever form they come in.
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use harness::history::{Field, Fields, What};
use harness::replay::read::{Options, read};
use harness::run::{Profile, Program};
use jiff::civil::DateTime;

use crate::production_log::{Form, Line};

/// Event and fields of each of these lines, as `certify` knows them.
fn certified(lines: &[String], profile: &Path) -> Vec<(String, Fields)> {
    let program = Program::Profiled(Vec::new(), Arc::new(Profile::load(profile).unwrap()));
    let said = |line: &String| match program.read(line.trim_end(), 1) {
        What::Log { event, fields, .. } => (event, fields),
        other => panic!("{other}"),
    };
    lines.iter().map(said).collect()
}

/// The same as `replay` knows them.
fn replayed(lines: &[String], log: &Path) -> Vec<(String, Fields)> {
    fs::write(log, lines.concat()).unwrap();
    let mut all = vec![(String::new(), Fields::new()); lines.len()];
    let field = |value: &str| value.parse().map_or_else(|_| Field::Text(value.to_owned()), Field::Number);
    read(&[log.to_owned()], &Options::default(), &mut |told| {
        let fields = told.fields.iter().map(|(name, value)| ((*name).to_owned(), field(value))).collect();
        all[usize::try_from(told.place.line).unwrap() - 1] = (told.event.to_owned(), fields);
    })
    .unwrap();
    all
}

#[test]
fn one_table_serves_both() {
    let dir = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let json = dir.path().join("json.yaml");
    fs::write(&json, "name: x\nlog: {json: true, patterns: built-in}\n").unwrap();
    let known = fs::read_to_string(root.join("log-lines/production.txt")).unwrap();
    let known: Vec<(&str, &str)> =
        known.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" | ")).collect();
    let began: DateTime = "2026-01-07T10:00:00".parse().unwrap();
    for form in [Form::Colours, Form::Pretty, Form::Journal, Form::JournalShort, Form::Json, Form::Bare] {
        let line = |(_, message): &(&str, &str)| {
            let line = Line { at: Duration::ZERO, level: "INFO", target: "timed", text: (*message).to_owned() };
            form.line(began, "mn7", &line)
        };
        let lines: Vec<String> = known.iter().map(line).collect();
        let profile = if form == Form::Json { json.clone() } else { root.join("profiles/production.yaml") };
        let (certified, replayed) = (certified(&lines, &profile), replayed(&lines, &dir.path().join("mn7.log")));
        for (((wanted, message), certified), replayed) in known.iter().zip(certified).zip(replayed) {
            let event = wanted.split(' ').next().unwrap().trim_start_matches('-');
            assert_eq!((&*certified.0, &certified), (event, &replayed), "{form:?}: {message}");
        }
    }
}
