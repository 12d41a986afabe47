//! For people at a terminal: a line a trial, then a row a requirement, the grounds of what is no pass, and the counts.
use std::fmt::Write as _;

use super::{counts, remarks, time, troubled};
use crate::certify::statement::{Statement, Status, Tried, area_name};

/// Characters of a requirement's sentence in the table.
const SENTENCE: usize = 84;

fn paint(status: Status, text: &str, colours: bool) -> String {
    let colour = match status {
        Status::Pass => 32,
        Status::Fail | Status::UnexpectedPass | Status::HarnessError => 31,
        Status::ExpectedFail | Status::Unsupported | Status::Inconclusive | Status::NotTried => 33,
    };
    if colours { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// A line for a trial that has just ended, the `done`th of `total`.
pub fn ended(tried: &Tried, done: usize, total: usize, colours: bool) -> String {
    let width = total.to_string().len();
    let status = paint(tried.status, &format!("{:<14}", tried.status), colours);
    format!("[{done:>width$}/{total}] {status} {}", tried.name())
}

/// All of it.
pub fn terminal(statement: &Statement, colours: bool) -> String {
    let mut text = String::new();
    for (area, rows) in statement.areas() {
        let tried: Vec<_> = rows.into_iter().filter(|row| row.status != Status::NotTried).collect();
        if tried.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{}", area_name(area));
        for row in tried {
            let status = paint(row.status, &format!("{:<14}", row.status), colours);
            let sentence: String = row.requirement.chars().take(SENTENCE).collect();
            let more = if row.requirement.chars().count() > SENTENCE { "…" } else { "" };
            let remarks = remarks(row);
            let remarks =
                if remarks.is_empty() { String::new() } else { format!("  ({})", plain(&remarks.join("; "))) };
            let _ = writeln!(text, "  {} {:<6} {status} {sentence}{more}{remarks}", row.id, row.level);
        }
    }
    for row in troubled(statement) {
        let _ =
            writeln!(text, "\n{} {}: {}", row.id, paint(row.status, &row.status.to_string(), colours), row.requirement);
        let _ = writeln!(text, "  source: {}", row.source);
        for tried in row.trials.iter().filter(|tried| tried.status != Status::Pass) {
            trial(tried, colours, &mut text);
        }
    }
    let worst = statement.rows.iter().map(|row| row.status).max().unwrap_or(Status::NotTried);
    let _ = writeln!(
        text,
        "\n{} in {}: {}",
        statement.subject.name,
        time(statement.run.took_ms),
        paint(worst, &counts(statement), colours)
    );
    text
}

fn trial(tried: &Tried, colours: bool, text: &mut String) {
    let _ = writeln!(text, "  {}: {}", paint(tried.status, &tried.name(), colours), tried.title);
    for ground in &tried.grounds {
        let _ = writeln!(text, "    {}", plain(ground));
    }
    for check in tried.checks.iter().filter(|check| check.status != Status::Pass) {
        let line = check.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        let _ = writeln!(text, "    {} on {}: {}{line}", check.status, check.channel, plain(&check.check));
        let _ = writeln!(text, "      expected  {}", plain(&check.expected));
        let _ = writeln!(text, "      actual    {}", plain(&check.actual));
        if let Some(nearest) = &check.nearest {
            let _ = writeln!(text, "      nearest   {}", plain(nearest));
        }
    }
    for line in &tried.transcript {
        let _ = writeln!(text, "      | {}", plain(line));
    }
    if let Some(evidence) = &tried.evidence {
        let _ = writeln!(text, "    evidence: {}", evidence.file);
    }
    let _ = writeln!(text, "    again: {}", tried.repeat);
}

/// What a node says may not steer a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
