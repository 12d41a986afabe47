//! The logs, read and folded.
use std::collections::BTreeSet;
use std::io::{self, Write};

use super::{CliError, ReplayArgs};
use crate::replay::Incident;
use crate::replay::draft::Redaction;
use crate::replay::fold::{Fold, Known, Window};
use crate::replay::read::{self, ReadError, Reading};
use crate::replay::report::NotUnderstood;
use crate::replay::told::Shown;

/// What the logs tell, by other names where that is wanted.
pub struct Logs {
    pub incident: Incident,
    pub reading: Reading,
    /// The title that was asked for.
    pub title: Option<String>,
}

impl Logs {
    /// Reads and folds them.
    pub fn read(args: &ReplayArgs) -> Result<Self, CliError> {
        let options = read::Options {
            hosts: args.host.clone(),
            year: args.year,
            patterns: args.patterns.clone(),
            lenient: args.lenient,
        };
        let mut fold = Fold::new(Window { from: args.from, until: args.to });
        let reading = read::read(&args.logs, &options, &mut |told| fold.tell(told));
        let reading = reading.map_err(|error| if args.redact { redacted(error) } else { error.into() })?;
        let mut redaction = args.redact.then(|| Redaction::of(&reading));
        let mut said = |text: &String| redaction.as_mut().map_or(text.clone(), |redaction| redaction.text(text));
        let files = reading.names();
        let contradictions = fold.contradictions(&reading.hosts, &files);
        if let Some(first) = contradictions.first() {
            if !args.lenient {
                return Err(CliError::Argument(format!(
                    "{}\nlogs of several hosts in one file? --host FILE=NAME names one; --lenient takes what they say as it is",
                    said(first)
                )));
            }
            for contradiction in &contradictions {
                writeln!(io::stderr(), "warning: {}", said(contradiction))?;
            }
        }
        let named = args.map.iter().map(|(_, name)| name).chain(args.offset.iter().map(|(name, _)| name));
        if let Some(name) = named.into_iter().find(|name| !reading.hosts.contains(name)) {
            let name =
                if args.redact { "the host that --map or --offset names".to_owned() } else { format!("`{name}`") };
            let hosts: Vec<String> = reading.hosts.iter().map(said).collect();
            return Err(CliError::Argument(format!("no log is of {name}: there are {}", hosts.join(", "))));
        }
        let known = Known { addresses: args.map.clone(), offsets: args.offset.clone() };
        let incident = fold.finish(&reading.hosts, &files, &known);
        if incident.hosts.is_empty() {
            return Err(CliError::Argument("nothing is told between --from and --to".to_owned()));
        }
        let Some(mut redaction) = redaction else { return Ok(Self { incident, reading, title: args.title.clone() }) };
        let (incident, reading) = (redaction.incident(&incident), redaction.reading(reading));
        Ok(Self { incident, reading, title: args.title.as_ref().map(|title| redaction.text(title)) })
    }

    /// Kinds of lines that no pattern knows.
    pub fn not_understood(&self) -> Vec<NotUnderstood> {
        let files = self.reading.names();
        let kinds = self.reading.not_understood.iter().map(|kind| NotUnderstood {
            kind: kind.words.clone(),
            count: kind.count,
            sample: kind.sample.clone(),
            place: Shown(kind.first, &files).to_string(),
        });
        kinds.collect()
    }

    /// What was taken where lines don't tell their year or day.
    pub fn guesses(&self) -> Vec<String> {
        let files = &self.reading.files;
        let years: BTreeSet<i16> = files.iter().filter_map(|file| file.year_taken).collect();
        let year = |year| {
            format!("the year: not every line tells it; default: {year}, by the time of the file (`--year` tells it)")
        };
        let day = "the day: lines tell none; default: an arbitrary one";
        let day = files.iter().any(|file| file.day_taken).then(|| day.to_owned());
        years.into_iter().map(year).chain(day).collect()
    }
}

/// Why logs can't be read, without a word of theirs.
fn redacted(error: ReadError) -> CliError {
    match error {
        ReadError::Patterns(_) => error.into(),
        _ if error.is_environment() => CliError::Harness(error.redacted()),
        _ => CliError::Argument(error.redacted()),
    }
}
