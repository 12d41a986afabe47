//! One page that needs nothing else: verdicts by area, and for each case what was expected, what was seen, and the messages around
//! the decision. What did not pass links to the page of what was seen.
use maud::{Markup, PreEscaped, html};

use super::{badge, counts, remarks, time};
use crate::certify::statement::{Checked, Row, Statement, Status, Tried, area_name};
use crate::report::page::{Page, verdict};
use crate::report::plain;

/// The page.
pub fn html(statement: &Statement) -> String {
    let title = plain(&format!("{} {}", statement.subject.name, statement.subject.version));
    let body = html! {
        header {
            h1 { (title) }
            p { (PreEscaped(badge(statement))) " " strong { (counts(statement)) } }
            dl { @for (name, value) in facts(statement) { dt { (name) } dd { (plain(&value)) } } }
        }
        main {
            @for (area, rows) in statement.areas() {
                h2 { (area_name(area)) " " span.m { (rows.iter().filter(|row| row.status == Status::Pass).count()) "/" (rows.len()) } }
                @for row in rows { (requirement(row)) }
            }
        }
    };
    Page { title: &format!("{title}: conformance"), style: "", script: None }.around(&body)
}

fn facts(statement: &Statement) -> [(&'static str, String); 9] {
    let Statement { suite, subject, run, .. } = statement;
    let observed: Vec<String> = subject.observed.iter().map(ToString::to_string).collect();
    let cases = suite.filter.as_ref().map_or("all cases".into(), |filter| format!("cases with `{filter}`"));
    let quick = if suite.quick { ", quick" } else { "" };
    [
        ("suite", format!("Lockstep {}, {cases}{quick}, {}", suite.version, suite.digest)),
        ("the suite's sensitivity", suite.sensitivity.clone()),
        ("node's digest", subject.digest.clone().unwrap_or("not known".into())),
        ("profile's digest", subject.profile.clone().unwrap_or("none".into())),
        ("blocks", subject.ledger.to_string()),
        ("observed by", observed.join(", ")),
        ("run", format!("{} backend, seed {}, set-up {}", run.backend, run.seed, time(run.setup_ms))),
        ("began", format!("{}, took {}", run.began, time(run.took_ms))),
        ("machine", run.machine.clone()),
    ]
}

fn requirement(row: &Row) -> Markup {
    let open = matches!(row.status, Status::Fail | Status::UnexpectedPass | Status::HarnessError);
    html! {
        details id=(row.id) open[open] {
            summary {
                (verdict(row.status)) " " code { (row.id) } " " span.m { (row.level) } " " (plain(&row.requirement))
                " " span.m { (plain(&remarks(row).join("; "))) }
            }
            p.m { "Source: " (plain(&row.source)) }
            @for tried in &row.trials { (trial(tried)) }
        }
    }
}

fn trial(tried: &Tried) -> Markup {
    html! {
        details {
            summary { (verdict(tried.status)) " " code { (plain(&tried.name())) } " " (plain(&tried.title)) }
            @for ground in &tried.grounds { p { (plain(ground)) } }
            @if !tried.checks.is_empty() {
                div.wide { table {
                    tr { th { "verdict" } th { "by" } th { "check" } th { "expected" } th { "actual" } }
                    @for check in &tried.checks { (checked(check)) }
                } }
            }
            @if !tried.transcript.is_empty() {
                pre { @for line in &tried.transcript { (plain(line)) "\n" } }
            }
            @if let Some(evidence) = &tried.evidence {
                p.m {
                    @if let Some(page) = tried.page() { a href=(page) { "What was seen, as a page" } ". " }
                    "Evidence: " code { (plain(&evidence.file)) } ", SHA-256 " code { (evidence.sha256) }
                }
            }
            p.m { "Again: " code { (plain(&tried.repeat)) } }
        }
    }
}

fn checked(check: &Checked) -> Markup {
    html! {
        tr {
            td { (verdict(check.status)) }
            td { (check.channel) }
            td { (plain(&check.check)) }
            td { (plain(&check.expected)) }
            td { (plain(&check.actual)) }
        }
    }
}
