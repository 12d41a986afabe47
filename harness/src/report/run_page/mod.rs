//! A run as one page that needs nothing else: why it failed, heights over time, who sent what to whom, budgets, the whole log, verdicts.
//!
//! The page asks nobody for anything: its security policy allows no request and no script but its own. What nodes and peers wrote is text in it,
//! whatever it says.
mod data;
mod messages;
mod picture;

use std::io;
use std::time::Duration;

use maud::{Markup, PreEscaped, html};
use thiserror::Error;

use crate::check::{Budget, Finding, Unit};
use crate::history::{History, What, seconds};
use crate::run::ScenarioResult;
use crate::scenario::requirement::catalogue;

use super::chart::{ChartError, minutes};
use super::page::{self, Page, verdict};
use super::plain;
use data::Data;
use picture::{Picture, micros};

/// Its name in the run's folder.
pub const FILE: &str = "report.html";

const OWN_STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// More faults are listed on a click.
const MOST_OPEN: usize = 12;

/// The page could not be made.
#[derive(Debug, Error)]
pub enum PageError {
    /// The picture.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// The log.
    #[error("the log could not be packed: {0}")]
    Log(#[from] io::Error),
}

/// The page of a run of the scenario that is written so.
///
/// # Errors
/// Where the picture can't be drawn.
pub fn html(result: &ScenarioResult, history: &History, source: &str) -> Result<String, PageError> {
    let picture = Picture::new(history);
    let moment = moment(result, history);
    let nodes: Vec<&str> = picture.nodes.iter().map(|(name, _)| name.as_str()).collect();
    let data = Data::new(history, &nodes, moment, &picture.faults, picture.end);
    let title = plain(&result.name);
    let body = html! {
        (head(result, &title))
        main {
            (grounds(result))
            (heights(&picture)?)
            (space(&data))
            (budgets(result))
            (log(&data))
            (requirements(result))
            (all(result))
            (scenario(result, source))
        }
        script type="text/plain" id="data" { (PreEscaped(data.packed()?)) }
    };
    let title = format!("{title}: {}", result.verdict);
    Ok(Page { title: &title, style: OWN_STYLE, script: Some(SCRIPT) }.around(&body))
}

/// Where the page opens: when the worst finding went wrong, else where the first fault began, else the first warning.
fn moment(result: &ScenarioResult, history: &History) -> i64 {
    let worst = result.grounds().into_iter().find_map(|finding| finding.at);
    let fault = || history.faults().first().map(|fault| fault.from);
    let warned = |what: &What| matches!(what, What::Log { level, .. } if level == "WARN" || level == "ERROR");
    let warning = || history.observations().iter().find(|seen| warned(&seen.what)).map(|seen| seen.at);
    worst.or_else(fault).or_else(warning).map_or(0, micros)
}

fn when(at: Duration) -> Markup {
    html! { a href={ "#t=" (micros(at)) } { (seconds(at)) } }
}

fn head(result: &ScenarioResult, title: &str) -> Markup {
    let speed = if result.time_scale > 1 { format!(", {} times as fast", result.time_scale) } else { String::new() };
    html! {
        header {
            h1 { (title) }
            p { (verdict(result.verdict)) " " (plain(&result.title)) }
            dl {
                dt { "ran" } dd { (seconds(result.virtual_time)) " on " (plain(&result.backend)) (speed) @if !result.wall_time.is_zero() { ", in " (seconds(result.wall_time)) } }
                dt { "seed" } dd { (result.seed) }
                @for converged in &result.convergence { dt { "converged" } dd { (plain(&converged.what)) " in " (seconds(converged.took)) } }
            }
            div.again { span.m { "again" } code id="command" { (plain(&result.repeat)) } button type="button" id="copy" { "copy" } }
            p.fail id="broken" role="status" {}
            noscript { p.fail { "Without scripts this page shows neither messages nor the log: they are in history.jsonl." } }
        }
    }
}

fn grounds(result: &ScenarioResult) -> Markup {
    html! {
        @for finding in result.grounds() {
            section class={ "why " (finding.verdict.to_string()) } {
                p { (verdict(finding.verdict)) " " strong { (plain(&finding.check)) } @if let Some(line) = finding.line { " " a href={ "#line-" (line) } { "line " (line) } } }
                dl {
                    dt { "expected" } dd { (plain(&finding.expected)) }
                    dt { "actual" } dd { (plain(&finding.actual)) }
                    @if let Some(nearest) = &finding.nearest { dt { "nearest" } dd { code { (plain(nearest)) } } }
                    @if let Some(at) = finding.at {
                        dt { "when" } dd { (when(at)) }
                        dt { "faults then" } dd { @if finding.faults_in_force.is_empty() { "none" } (plain(&finding.faults_in_force.join("; "))) }
                    }
                }
            }
        }
    }
}

fn heights(picture: &Picture) -> Result<Markup, PageError> {
    let svg = picture.svg()?;
    Ok(html! {
        h2 id="heights-head" { "Heights" }
        @match svg {
            None => p.m { "No height is known." },
            Some((svg, left, right)) => {
                ul.legend id="lines" {
                    (page::lines(picture.nodes.iter().map(|(name, _)| name.as_str())))
                    @if picture.consensus.is_some() { li { i.dash {} "consensus, as nodes told it" } }
                    li { "○ asks for blocks" } li { "▲ reorganised" }
                }
                div.chart id="chart" data-left=(left) data-right=(right) { (PreEscaped(svg)) div.cursor {} }
            }
        }
        @if !picture.faults.is_empty() {
            details open[picture.faults.len() <= MOST_OPEN] {
                summary { (picture.faults.len()) " faults" }
                ol.legend {
                    @for (index, (from, until, what)) in picture.faults.iter().enumerate() {
                        li { strong { (index + 1) } " " (plain(what)) " " a href={ "#t=" (from) } { (minutes(*from)) } "–" (minutes(*until)) }
                    }
                }
            }
        }
    })
}

fn space(data: &Data<'_>) -> Markup {
    html! {
        h2 id="messages" { "Who sent what to whom" }
        div.controls {
            button type="button" id="earlier" { "earlier" } button type="button" id="later" { "later" }
            button type="button" id="closer" { "closer" } button type="button" id="wider" { "wider" }
            label { input type="checkbox" id="pings" checked; "pings and pongs" }
            span.m id="window" role="status" {}
        }
        svg id="space" tabindex="0" role="img" aria-label="Messages between the parties; arrow keys move in time, + and - look closer and wider; the log below says the same in words" {}
        p.m {
            "A line from who sent to who received, as logs and scripted peers tell; dashed where only one of them does. Circles are lines of a log."
            @if data.left_out.1 > 0 { " " (data.left_out.1) " pings and pongs far from " (minutes(data.moment)) " are left out." }
        }
    }
}

fn budgets(result: &ScenarioResult) -> Markup {
    let with = |finding: &&Finding| finding.budget.is_some();
    html! {
        @if result.findings.iter().any(|finding| with(&finding)) {
            h2 { "Budgets" }
            div.wide { table {
                tr { th { "verdict" } th { "expectation" } th { "used" } th.n { "limit" } th.n { "left" } }
                @for finding in result.findings.iter().filter(with) {
                    @if let Some(budget) = finding.budget { (spent(finding, budget)) }
                }
            } }
        }
    }
}

fn spent(finding: &Finding, Budget { used, limit, unit }: Budget) -> Markup {
    let amount = |number: u64| match unit {
        Unit::Ms => seconds(Duration::from_millis(number)),
        Unit::Count => number.to_string(),
        Unit::Thousandth => (number as f64 / 1e3).to_string(),
    };
    html! {
        tr {
            td { (verdict(finding.verdict)) }
            td { (plain(&finding.check)) }
            td { (page::bar(used as f64, limit as f64)) (amount(used)) }
            td.n { (amount(limit)) }
            td.n { (page::left(used as f64, limit as f64)) }
        }
    }
}

fn log(data: &Data<'_>) -> Markup {
    html! {
        h2 { "Log" }
        @if data.left_out.0 > 0 { p.m { (data.left_out.0) " routine lines far from " (minutes(data.moment)) " are left out; history.jsonl has them." } }
        form.controls id="filters" {
            label { "who" select id="by" { option value="" { "all" } } }
            label { "what" select id="of" { option value="" { "all" } } }
            label { "words" input type="search" id="words"; }
            label { "from" input.time id="from" placeholder="0:00" inputmode="numeric"; }
            label { "until" input.time id="until" placeholder=(minutes(data.end)) inputmode="numeric"; }
            label { input type="checkbox" id="routine"; "routine, too" }
            button type="button" id="all" { "all" }
        }
        div.controls {
            button type="button" id="before" { "before" } button type="button" id="after" { "after" }
            span.m id="count" role="status" {}
        }
        div.scroll tabindex="0" { table.log id="log" {
            thead { tr { th { "time" } th { "who" } th { "what" } th { "text" } } }
            tbody {}
        } }
    }
}

fn requirements(result: &ScenarioResult) -> Markup {
    let text = |id: &str| catalogue().iter().find(|row| row.id == id);
    html! {
        @if !result.requirements.is_empty() {
            h2 { "Requirements that it shows" }
            table {
                @for id in &result.requirements {
                    tr {
                        td { (verdict(result.verdict)) }
                        td { code { (id) } }
                        td { @if let Some(row) = text(id) { (row.requirement) " " span.m { (row.source) } } }
                    }
                }
            }
        }
    }
}

/// What was run, with the lines that do not hold marked.
fn scenario(result: &ScenarioResult, source: &str) -> Markup {
    let grounds: Vec<u64> = result.grounds().iter().filter_map(|finding| finding.line).collect();
    html! {
        h2 { "Scenario" }
        pre.source { @for (line, number) in source.lines().zip(1_u64..) {
            span id={ "line-" (number) } .bad[grounds.contains(&number)] { (plain(line)) "\n" }
        } }
    }
}

fn all(result: &ScenarioResult) -> Markup {
    html! {
        details {
            summary { "All " (result.findings.len()) " checks" }
            div.wide { table {
                tr { th { "verdict" } th { "check" } th { "expected" } th { "actual" } }
                @for finding in &result.findings {
                    tr {
                        td { (verdict(finding.verdict)) }
                        td { (plain(&finding.check)) }
                        td { (plain(&finding.expected)) }
                        td { (plain(&finding.actual)) @if let Some(at) = finding.at { " " (when(at)) } }
                    }
                }
            } }
        }
    }
}
