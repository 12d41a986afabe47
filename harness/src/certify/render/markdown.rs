//! The summary for a pull request or a wiki.
use std::fmt::Write as _;

use super::{counts, remarks, time, troubled};
use crate::certify::statement::{Statement, Status, area_name};

/// Markdown with a table an area, and the grounds of what is no pass.
pub fn markdown(statement: &Statement) -> String {
    let Statement { suite, subject, run, .. } = statement;
    let mut text = String::new();
    let _ = writeln!(text, "# {} {}\n\n**{}**\n", cell(&subject.name), cell(&subject.version), counts(statement));
    let _ = writeln!(
        text,
        "Suite {} (`{}`), {} backend, blocks {}, seed {}, {} after {}, on {}. Defects found by the suite: {}.\n",
        suite.version,
        short(&suite.digest),
        run.backend,
        subject.ledger,
        run.seed,
        run.began,
        time(run.took_ms),
        run.machine,
        suite.sensitivity
    );
    for (area, rows) in statement.areas() {
        let _ = writeln!(
            text,
            "## {}\n\n| id | level | status | requirement | remarks |\n|---|---|---|---|---|",
            area_name(area)
        );
        for row in rows {
            let remarks = remarks(row).join("; ");
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                row.id,
                row.level,
                row.status,
                cell(&row.requirement),
                cell(&remarks)
            );
        }
        text.push('\n');
    }
    for row in troubled(statement) {
        let _ = writeln!(text, "### {}: {}\n\n{} ({})\n", row.id, row.status, row.requirement, row.source);
        for tried in row.trials.iter().filter(|tried| tried.status != Status::Pass) {
            let _ = writeln!(text, "- **{}**: {}", tried.name(), tried.status);
            for ground in &tried.grounds {
                let _ = writeln!(text, "  - {}", cell(ground));
            }
            for check in tried.checks.iter().filter(|check| check.status != Status::Pass) {
                let _ = writeln!(
                    text,
                    "  - {}: expected {}; actual {}",
                    cell(&check.check),
                    cell(&check.expected),
                    cell(&check.actual)
                );
            }
            let _ = writeln!(text, "  - again: `{}`", tried.repeat);
        }
        text.push('\n');
    }
    text
}

/// What a node says may not end a cell or begin a tag.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
