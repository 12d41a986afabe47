//! For people at a terminal: a line a trial, then a row a requirement, the grounds of what is no pass, and the counts.
use std::fmt::Write as _;

use super::{counts, remarks, time, troubled};
use crate::certify::statement::{Statement, Status, Tried, area_name};
use crate::report::{Colour, Look, plain};

/// Characters of a requirement's sentence in the table, where as many as wanted are there.
const SENTENCE: usize = 84;
/// Columns before it.
const BEFORE: usize = 37;

impl From<Status> for Colour {
    fn from(status: Status) -> Self {
        match status {
            Status::Pass => Self::Green,
            Status::Fail | Status::UnexpectedPass | Status::HarnessError => Self::Red,
            Status::ExpectedFail | Status::Unsupported | Status::Inconclusive | Status::NotTried => Self::Yellow,
        }
    }
}

/// A line for a trial that has just ended, the `done`th of `total`.
pub fn ended(tried: &Tried, done: usize, total: usize, look: Look) -> String {
    let width = total.to_string().len();
    let status = look.paint(tried.status, &format!("{:<14}", tried.status));
    look.wrap(&format!("[{done:>width$}/{total}] {status} {}", tried.name()), 4)
}

/// All of it.
pub fn terminal(statement: &Statement, look: Look) -> String {
    let mut text = String::new();
    for (area, rows) in statement.areas() {
        let tried: Vec<_> = rows.into_iter().filter(|row| row.status != Status::NotTried).collect();
        if tried.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{}", area_name(area));
        for row in tried {
            let status = look.paint(row.status, &format!("{:<14}", row.status));
            let room = look.width.map_or(SENTENCE, |width| width.saturating_sub(BEFORE));
            let sentence: String = row.requirement.chars().take(room).collect();
            let more = if row.requirement.chars().count() > room { "…" } else { "" };
            let remarks = remarks(row);
            let remarks =
                if remarks.is_empty() { String::new() } else { format!("  ({})", plain(&remarks.join("; "))) };
            let line = format!("  {} {:<6} {status} {sentence}{more}{remarks}", row.id, row.level);
            put(&mut text, &line, 4, look);
        }
    }
    for row in troubled(statement) {
        let status = look.paint(row.status, &row.status.to_string());
        text.push('\n');
        put(&mut text, &format!("{} {status}: {}", row.id, row.requirement), 2, look);
        put(&mut text, &format!("  source: {}", row.source), 4, look);
        for tried in row.trials.iter().filter(|tried| tried.status != Status::Pass) {
            trial(tried, look, &mut text);
        }
    }
    let worst = statement.rows.iter().map(|row| row.status).max().unwrap_or(Status::NotTried);
    let counts = look.paint(worst, &counts(statement));
    text.push('\n');
    put(
        &mut text,
        &format!("{} in {}: {counts}", plain(&statement.subject.name), time(statement.run.took_ms)),
        2,
        look,
    );
    text
}

fn trial(tried: &Tried, look: Look, text: &mut String) {
    let mut line = |line: String, indent| put(text, &line, indent, look);
    line(format!("  {}: {}", look.paint(tried.status, &tried.name()), tried.title), 4);
    for ground in &tried.grounds {
        line(format!("    {}", plain(ground)), 6);
    }
    for check in tried.checks.iter().filter(|check| check.status != Status::Pass) {
        let place = check.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        line(format!("    {} on {}: {}{place}", check.status, check.channel, plain(&check.check)), 6);
        line(format!("      expected  {}", plain(&check.expected)), 16);
        line(format!("      actual    {}", plain(&check.actual)), 16);
        if let Some(nearest) = &check.nearest {
            line(format!("      nearest   {}", plain(nearest)), 16);
        }
    }
    for message in &tried.transcript {
        line(format!("      | {}", plain(message)), 8);
    }
    if let Some(evidence) = &tried.evidence {
        line(format!("    evidence: {}", evidence.file), 0);
    }
    // A command stays on one line, however long it is.
    let _ = writeln!(text, "    again: {}", tried.repeat);
}

/// Adds a line, broken where it is too wide.
fn put(text: &mut String, line: &str, indent: usize, look: Look) {
    text.push_str(&look.wrap(line, indent));
    text.push('\n');
}
