//! One page that needs nothing else. What comes from logs is text here, whatever it says.
use maud::{Markup, PreEscaped, html};

use super::chart::chart;
use super::clock;
use super::series::Picture;
use super::{counted, lines};
use crate::replay::fidelity::{Fidelity, Kind};
use crate::replay::report::{Judged, Report, Row};
use crate::report::chart::minutes;
use crate::report::page::{self, Page, verdict};
use crate::report::plain;

/// More rows of one table are summed up.
const MOST_ROWS: usize = 1000;
/// More faults are listed on a click.
const MOST_OPEN: usize = 12;

const OWN_STYLE: &str = ".score{font-size:1.15rem}";

/// The page.
pub fn html(report: &Report<'_>) -> String {
    let title = plain(&report.title);
    let body = html! {
        h1 { (title) }
        p.m { "From " (plain(&report.sources.join(", "))) }
        @if let Some((arm, fidelity)) = report.fidelity() {
            p.score { "Fidelity of " (plain(arm)) ": " strong { (fidelity.words()) } }
        }
        (picture(report))
        @if let Some((arm, fidelity)) = report.fidelity() { (score(report, arm, fidelity)) }
        (arms(report))
        (timeline(report))
        (not_understood(report))
        (unknowns(report))
    };
    Page { title: &title, style: OWN_STYLE, script: None }.around(&body)
}

fn picture(report: &Report<'_>) -> Markup {
    let picture = Picture::new(report);
    html! {
        h2 { "Heights over time" }
        @match chart(report) {
            Ok(Some(svg)) => {
                ul.legend {
                    (page::lines(picture.series.iter().map(|series| series.name.as_str())))
                }
                div.chart { (PreEscaped(svg)) }
                @if !picture.faults.is_empty() {
                    details open[picture.faults.len() <= MOST_OPEN] {
                        summary { (picture.faults.len()) " faults" }
                        ol.legend {
                            @for (index, band) in picture.faults.iter().enumerate().take(MOST_ROWS) {
                                li { strong { (index + 1) } " " (plain(&band.label)) " "
                                    (clock(band.from, "%H:%M:%S")) "–" (clock(band.until, "%H:%M:%S")) }
                            }
                        }
                    }
                }
            }
            Ok(None) => p.m { "No height is known." },
            Err(error) => p.fail { (error) },
        }
    }
}

fn score(report: &Report<'_>, arm: &str, fidelity: &Fidelity) -> Markup {
    let scored: Vec<(&str, &Fidelity)> =
        report.arms.iter().filter_map(|arm| Some((&*arm.name, arm.fidelity.as_ref()?))).collect();
    let share = |fidelity: &Fidelity, kind: Kind| {
        let part = fidelity.parts.iter().find(|part| part.kind == kind);
        part.and_then(|part| part.share()).map_or("–".into(), |share| format!("{} %", (100.0 * share).floor()))
    };
    html! {
        h2 { "Fidelity" }
        div.wide { table {
            tr { th { "part" } th.n { "weight" } @for (name, _) in &scored { th.n { (plain(name)) } } th { (plain(arm)) " in words" } }
            @for part in &fidelity.parts {
                tr {
                    td.p { (part.kind) }
                    td.n { (part.weight) }
                    @for (_, fidelity) in &scored { td.n { (share(fidelity, part.kind)) } }
                    td { (plain(&part.words)) }
                }
            }
            tr { th { "score" } th.n { } @for (_, fidelity) in &scored { th.n { (fidelity.words()) } } th { } }
        } }
        @if !fidelity.missing.is_empty() {
            h2 { "What the run doesn't show " span.m { (fidelity.missing.len()) } }
            div.wide { table {
                tr { th { "first line" } th { "when" } th { "host" } th { "in the incident" } th { "in the run" } }
                @for missing in fidelity.missing.iter().take(MOST_ROWS) {
                    tr {
                        td.p { code { (plain(&missing.place)) } }
                        td.p { (clock(missing.at, "%H:%M:%S")) }
                        td { (plain(&missing.host)) }
                        td { (plain(&missing.what)) (lines(missing)) }
                        td { (plain(&missing.instead)) }
                    }
                }
                (more(fidelity.missing.len()))
            } }
        }
        @for (node, counts) in &fidelity.extra {
            p.m { "Beyond the incident, " (plain(node)) ": " (plain(&counted(counts))) }
        }
        @if !fidelity.not_comparable.is_empty() {
            p.m { "Not compared, the reference node has no word for it: " (plain(&counted(&fidelity.not_comparable))) }
        }
    }
}

fn arms(report: &Report<'_>) -> Markup {
    let rows = report.rows();
    let cell = |judged: &Option<&Judged>| match judged {
        None => html! { td.m { "–" } },
        Some(judged) => html! {
            td { (verdict(judged.verdict)) " " span.m { (plain(&judged.actual)) } }
        },
    };
    html! {
        @if !rows.is_empty() {
            h2 { "Arms side by side" }
            div.wide { table {
                tr { th { } th { "check" } @for arm in &report.arms { th { (plain(&arm.name)) } } }
                @for Row { kind, check, cells } in &rows {
                    tr { td { (kind) } td { (plain(check)) } @for judged in cells { (cell(judged)) } }
                }
            } }
        }
    }
}

fn timeline(report: &Report<'_>) -> Markup {
    let run = |at: i64| minutes(report.matching.clockwork.to_run(at.saturating_sub(report.incident.begins)));
    html! {
        @if !report.timeline.is_empty() {
            h2 { "Timeline" }
            div.wide { table {
                tr { th { "in the incident" } th.n { "in the run" } th { "what" } th { "lines" } }
                @for moment in report.timeline.iter().take(MOST_ROWS) {
                    tr {
                        td.p { (clock(moment.at, "%Y-%m-%d %H:%M:%S")) }
                        td.n { (run(moment.at)) }
                        td { (plain(&moment.what)) }
                        td { code { (plain(&moment.place)) } }
                    }
                }
                (more(report.timeline.len()))
            } }
        }
    }
}

fn not_understood(report: &Report<'_>) -> Markup {
    html! {
        @if !report.not_understood.is_empty() {
            h2 { "What wasn't understood" }
            div.wide { table {
                tr { th { "kind" } th.n { "lines" } th { "one of them" } th { "where" } }
                @for kind in report.not_understood.iter().take(MOST_ROWS) {
                    tr {
                        td { (plain(&kind.kind)) }
                        td.n { (kind.count) }
                        td { code { (plain(&kind.sample)) } }
                        td.p { code { (plain(&kind.place)) } }
                    }
                }
                (more(report.not_understood.len()))
            } }
        }
    }
}

fn unknowns(report: &Report<'_>) -> Markup {
    html! {
        @if !report.unknowns.is_empty() {
            h2 { "Unknown, and what was taken instead" }
            ul { @for unknown in &report.unknowns { li { (plain(unknown)) } } }
        }
    }
}

fn more(rows: usize) -> Markup {
    html! { @if rows > MOST_ROWS { tr { td.m colspan="5" { "and " (rows - MOST_ROWS) " more" } } } }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;
    use crate::replay::report::NotUnderstood;

    #[test]
    fn what_logs_say_is_text() {
        let evil = "</svg><script>alert(\"1\")</script>'&\u{1b}";
        let mut sample = Sample::new();
        sample.incident.hosts[0].name = evil.into();
        sample.incident.files[0] = evil.into();
        sample.incident.hosts[1].events[0].place.file = 0;
        sample.runs[1].hosts[1].name = evil.into();
        let mut report = sample.report();
        report.title = evil.into();
        report.sources.push(evil.into());
        report.faults[0].label = evil.into();
        report.unknowns.push(evil.into());
        report.timeline[0].what = evil.into();
        report.timeline[0].place = evil.into();
        report.arms[0].name = evil.into();
        report.arms[0].reproduced[0] =
            Judged { check: evil.into(), actual: evil.into(), ..report.arms[0].reproduced[0].clone() };
        report.not_understood =
            vec![NotUnderstood { kind: evil.into(), count: 1, sample: evil.into(), place: evil.into() }];
        let page = html(&report);
        assert!(!page.contains("<script") && !page.contains('\u{1b}'), "{page}");
        assert_eq!(page.matches("</svg>").count(), 1);
        assert!(page.matches("&lt;/svg&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;").count() > 10, "{page}");
    }

    #[test]
    fn the_page_says_it_all() {
        let sample = Sample::new();
        let page = html(&sample.report());
        let needed = [
            "Heights over time",
            "Fidelity of as it was: ",
            "What the run doesn&#39;t show",
            "Arms side by side",
            "Timeline",
            "What wasn't understood",
            "Unknown, and what was taken instead",
            "node-b.log:812",
            "prefers-color-scheme",
        ];
        for words in needed {
            assert!(page.contains(&words.replace("&#39;", "'")), "{words}: {page}");
        }
        assert!(
            !page.contains("http://")
                || page.matches("http://").count() == page.matches("http://www.w3.org/2000/svg").count()
        );
    }
}
