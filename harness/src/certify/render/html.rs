//! One page that needs nothing else: verdicts by area, and for each case what was expected, what was seen, and the messages around
//! the decision.
use std::fmt::Write as _;

use super::{badge, counts, remarks, time};
use crate::certify::statement::{Row, Statement, Status, Tried, area_name};
use crate::report::STYLE;

/// The page.
pub fn html(statement: &Statement) -> String {
    let Statement { suite, subject, run, .. } = statement;
    let title = format!("{} {}", subject.name, subject.version);
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{0}: conformance</title><style>{STYLE}</style></head><body>\n<h1>{0}</h1>\n<p>{1} <strong>{2}</strong></p>\n<dl>",
        text(&title),
        badge(statement),
        text(&counts(statement))
    );
    let observed: Vec<String> = subject.observed.iter().map(ToString::to_string).collect();
    let filter = suite.filter.as_ref().map(|filter| format!("cases with `{filter}`")).unwrap_or("all cases".into());
    let facts = [
        (
            "suite",
            format!(
                "Lockstep {}, {filter}{}, {}",
                suite.version,
                if suite.quick { ", quick" } else { "" },
                suite.digest
            ),
        ),
        ("the suite's sensitivity", suite.sensitivity.clone()),
        ("node's digest", subject.digest.clone().unwrap_or("not known".into())),
        ("profile's digest", subject.profile.clone().unwrap_or("none".into())),
        ("blocks", subject.ledger.to_string()),
        ("observed by", observed.join(", ")),
        ("run", format!("{} backend, seed {}, set-up {}", run.backend, run.seed, time(run.setup_ms))),
        ("began", format!("{}, took {}", run.began, time(run.took_ms))),
        ("machine", run.machine.clone()),
    ];
    for (name, value) in facts {
        let _ = write!(page, "<dt>{}</dt><dd>{}</dd>", text(name), text(&value));
    }
    page.push_str("</dl>\n");
    for (area, rows) in statement.areas() {
        let passed = rows.iter().filter(|row| row.status == Status::Pass).count();
        let _ = writeln!(page, "<h2>{} <span class=\"m\">{passed}/{}</span></h2>", text(area_name(area)), rows.len());
        rows.into_iter().for_each(|row| requirement(row, &mut page));
    }
    page.push_str("</body></html>\n");
    page
}

fn requirement(row: &Row, page: &mut String) {
    let open =
        if matches!(row.status, Status::Fail | Status::UnexpectedPass | Status::HarnessError) { " open" } else { "" };
    let remarks: Vec<String> = remarks(row);
    let _ = writeln!(
        page,
        "<details id=\"{id}\"{open}><summary>{} <code>{id}</code> <span class=\"m\">{}</span> {} <span class=\"m\">{}</span></summary>\
         <p class=\"m\">Source: {}</p>",
        status(row.status),
        row.level,
        text(&row.requirement),
        text(&remarks.join("; ")),
        text(&row.source),
        id = text(&row.id),
    );
    row.trials.iter().for_each(|tried| trial(tried, page));
    page.push_str("</details>\n");
}

fn trial(tried: &Tried, page: &mut String) {
    let _ = write!(
        page,
        "<details><summary>{} <code>{}</code> {}</summary>",
        status(tried.status),
        text(&tried.name()),
        text(&tried.title)
    );
    for ground in &tried.grounds {
        let _ = write!(page, "<p>{}</p>", text(ground));
    }
    if !tried.checks.is_empty() {
        page.push_str("<table><tr><th>verdict</th><th>by</th><th>check</th><th>expected</th><th>actual</th></tr>");
        for check in &tried.checks {
            let _ = write!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                status(check.status),
                check.channel,
                text(&check.check),
                text(&check.expected),
                text(&check.actual)
            );
        }
        page.push_str("</table>");
    }
    if !tried.transcript.is_empty() {
        let _ = write!(page, "<pre>{}</pre>", text(&tried.transcript.join("\n")));
    }
    if let Some(evidence) = &tried.evidence {
        let _ = write!(
            page,
            "<p class=\"m\">Evidence: <code>{}</code>, SHA-256 <code>{}</code></p>",
            text(&evidence.file),
            evidence.sha256
        );
    }
    let _ = writeln!(page, "<p class=\"m\">Again: <code>{}</code></p></details>", text(&tried.repeat));
}

fn status(status: Status) -> String {
    let class = status.to_string().replace(' ', "_");
    format!("<span class=\"s {class}\">{status}</span>")
}

/// What a node says is text here, whatever it says.
fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() => safe.push(char::REPLACEMENT_CHARACTER),
            c => safe.push(c),
        }
    }
    safe
}
