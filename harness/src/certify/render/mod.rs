//! A statement for people and for machines, each a pure function of it.
mod badge;
mod html;
mod junit;
mod markdown;
mod terminal;

pub use badge::badge;
pub use html::html;
pub use junit::junit;
pub use markdown::markdown;
pub use terminal::{ended, terminal};

use super::statement::{Row, Statement, Status};

/// `61 pass, 2 fail, 7 unsupported`, the good ones first; where time was not real, that it counts for nothing.
fn counts(statement: &Statement) -> String {
    let counts: Vec<String> =
        statement.counts().into_iter().map(|(status, count)| format!("{count} {status}")).collect();
    let counts = counts.join(", ");
    match statement.run.time_scale {
        1 => counts,
        scale => format!("{counts} (no verdict: every interval was divided by {scale})"),
    }
}

/// A row's remarks: its reading, that it was shortened, its waiver, what was not observed.
fn remarks(row: &Row) -> Vec<String> {
    let mut remarks = Vec::new();
    remarks.extend(row.reading.as_ref().map(|reading| format!("reading: {reading}")));
    remarks
        .extend(row.should.filter(|should| *should != Status::Pass).map(|should| format!("what should be: {should}")));
    remarks.extend(row.shortened.then(|| "shortened".to_owned()));
    remarks.extend(row.waiver.as_ref().map(|reason| format!("waived: {reason}")));
    remarks.extend(row.not_observed.iter().map(|channel| format!("{channel}: not observed")));
    remarks
}

/// Rows that need somebody's attention.
fn troubled(statement: &Statement) -> impl Iterator<Item = &Row> {
    statement.rows.iter().filter(|row| !matches!(row.status, Status::Pass | Status::NotTried))
}

/// Milliseconds in words.
fn time(ms: u64) -> String {
    let seconds = ms / 1_000;
    if seconds < 60 {
        format!("{}.{} s", seconds, ms % 1_000 / 100)
    } else {
        format!("{} min {} s", seconds / 60, seconds % 60)
    }
}
