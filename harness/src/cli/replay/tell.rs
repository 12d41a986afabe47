//! What is told beside the scenario: of what was read, and of what runs showed.
use std::fs;
use std::io::{self, Write};

use super::{CliError, ReplayArgs, ReplayFormat, save};
use crate::replay::draft::Draft;
use crate::replay::read::{Reading, colon};
use crate::replay::render;
use crate::replay::report::{NotUnderstood, Report};
use crate::report::Look;

/// What was read, beside the scenario: on stderr.
pub fn summary(reading: &Reading, draft: &Draft, not_understood: &[NotUnderstood], redact: bool) -> io::Result<()> {
    const MOST_KINDS: usize = 5;
    let err = &mut io::stderr();
    for file in &reading.files {
        for (line, flaw) in &file.problems {
            writeln!(err, "warning: {}{}: {flaw}", file.name, colon(*line))?;
        }
    }
    let lines: u64 = reading.files.iter().map(|file| file.lines).sum();
    let events: u64 = reading.files.iter().map(|file| file.events).sum();
    writeln!(
        err,
        "{lines} lines in {} files, {events} events of {} hosts",
        reading.files.len(),
        draft.incident.hosts.len()
    )?;
    let counts: [(u64, &str); 5] = [
        (reading.files.iter().map(|file| file.cut).sum(), "cut off"),
        (reading.files.iter().map(|file| file.long).sum(), "longer than 64 KiB"),
        (reading.files.iter().map(|file| file.wrapped).sum(), "wrapped"),
        (reading.files.iter().map(|file| file.mojibake).sum(), "with signs of a wrong code page"),
        (reading.files.iter().map(|file| file.steps_back).sum(), "of which the clock stepped back"),
    ];
    for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
        writeln!(err, "{count} lines {what}")?;
    }
    for host in &draft.incident.hosts {
        let offset = host.offset;
        if offset.micros != 0 {
            let seconds = offset.micros as f64 / 1e6;
            let by = if offset.given { "given".to_owned() } else { format!("from {} pings and pongs", offset.pairs) };
            writeln!(err, "the clock of {} is {seconds:+.3} s off ({by})", host.name)?;
        }
    }
    for (name, times) in &draft.incident.left_out {
        writeln!(err, "{times} times {name}: left out for want of room")?;
    }
    let total = not_understood.iter().map(|kind| kind.count).sum::<u64>() + reading.other_kinds;
    if total > 0 {
        let more = if reading.other_kinds > 0 { " and more" } else { "" };
        let end = if redact { "" } else { ":" };
        writeln!(err, "{total} lines of {}{more} kinds are not understood{end}", not_understood.len())?;
        let shown = if redact { 0 } else { MOST_KINDS };
        for NotUnderstood { kind, count, place, .. } in not_understood.iter().take(shown) {
            writeln!(err, "  {count} times, first at {place}: {kind}")?;
        }
    }
    Ok(())
}

/// What runs showed: printed, and as files.
pub fn runs(args: &ReplayArgs, report: &Report<'_>, yaml: &str, out: &mut impl Write) -> Result<(), CliError> {
    let dir = &args.out;
    fs::create_dir_all(dir).map_err(|error| CliError::Harness(format!("cannot write {}: {error}", dir.display())))?;
    let json = render::json(report).map_err(|error| CliError::Harness(error.to_string()))?;
    save(&dir.join("scenario.yaml"), yaml.as_bytes())?;
    save(&dir.join("report.html"), render::html(report).as_bytes())?;
    save(&dir.join("report.json"), json.as_bytes())?;
    match args.format {
        ReplayFormat::Json => writeln!(out, "{}", json.trim_end())?,
        ReplayFormat::Text => {
            out.write_all(render::terminal(report, Look::of_stdout()).as_bytes())?;
            writeln!(out, "page: {}", dir.join("report.html").display())?;
        }
    }
    Ok(())
}
