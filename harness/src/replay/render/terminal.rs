//! For people at a terminal: heights, the score and what it lacks, and the arms side by side.
use std::fmt::Write as _;

use super::series::Picture;
use super::sparkline::{spans, sparkline};
use super::{counted, lines};
use crate::replay::fidelity::Fidelity;
use crate::replay::report::{Report, Row};
use crate::report::chart::minutes;
use crate::report::{Look, plain};
use crate::run::Verdict;

/// How many of the things that the run doesn't show are listed.
const MOST_LISTED: usize = 20;
/// Characters of a host's name, and of an arm's.
const NAME: usize = 16;
/// Columns where as many as wanted are there, and the most that are made use of.
const WIDTHS: (usize, usize) = (100, 120);

/// All of it.
pub fn terminal(report: &Report<'_>, look: Look) -> String {
    let width = look.width.map_or(WIDTHS.0, |width| width.min(WIDTHS.1));
    let look = Look { width: Some(width), ..look };
    let mut text = String::new();
    wrapped(&mut text, &report.title, 0, look);
    wrapped(&mut text, &format!("from {}", report.sources.join(", ")), 2, look);
    heights(&mut text, report, look, width);
    if let Some((arm, fidelity)) = report.fidelity() {
        score(&mut text, arm, fidelity, look);
        let others = report.arms.iter().filter(|other| other.name != arm);
        for (other, fidelity) in others.filter_map(|other| Some((&other.name, other.fidelity.as_ref()?))) {
            wrapped(&mut text, &format!("fidelity of {other}: {}", fidelity.words()), 2, look);
        }
    }
    arms(&mut text, report, look, width);
    text
}

fn heights(text: &mut String, report: &Report<'_>, look: Look, width: usize) {
    let picture = Picture::new(report);
    let _ = writeln!(text, "\nheights over {} of the run", minutes(picture.end));
    if picture.series.is_empty() {
        let _ = writeln!(text, "  none is known");
    }
    let name = |name: &str| look.cut(name, NAME);
    let names = column(picture.series.iter().map(|series| name(&series.name)));
    let tracks = column(picture.runs.iter().map(|arm| name(arm)).chain(["incident".into()]));
    let scales: Vec<Option<(u64, u64)>> = picture.series.iter().map(|series| series.scale(picture.end)).collect();
    let range = |(low, high): (u64, u64)| if low == high { low.to_string() } else { format!("{low}-{high}") };
    let ranges = column(scales.iter().flatten().map(|scale| range(*scale)));
    let width = width.saturating_sub(names + tracks + ranges + 6).max(8);
    for (series, scale) in picture.series.iter().zip(scales) {
        let runs = picture.runs.iter().copied().zip(&series.runs);
        for (index, (label, track)) in [("incident", &series.incident)].into_iter().chain(runs).enumerate() {
            let Some(scale) = scale else { continue };
            let line = track.as_ref().map(|track| sparkline(track, picture.end, width, scale, look.unicode));
            let (host, range) = if index == 0 { (name(&series.name), range(scale)) } else { <_>::default() };
            let line = line.unwrap_or_else(|| "not known".into());
            let row = format!("{host:names$}  {:tracks$}  {line:width$}  {range}", name(label));
            let _ = writeln!(text, "{}", row.trim_end());
        }
    }
    let begins = report.incident.begins;
    let time = |at: i64| report.matching.clockwork.to_run(at.saturating_sub(begins));
    let faults: Vec<(i64, i64)> = report.faults.iter().map(|band| (time(band.from), time(band.until))).collect();
    if !faults.is_empty() && !picture.series.is_empty() {
        let line = spans(&faults, picture.end, width, look.unicode);
        let _ = writeln!(text, "{:names$}  {:tracks$}  {}", "", "faults", line.trim_end());
    }
}

fn score(text: &mut String, arm: &str, fidelity: &Fidelity, look: Look) {
    let _ = writeln!(text, "\nfidelity of {}: {}", plain(arm), fidelity.words());
    for part in &fidelity.parts {
        let share = part.share().map_or("-".into(), |share| format!("{} %", (100.0 * share).floor()));
        wrapped(text, &format!("  {:<11} {share:>6} of {:>2}  {}", part.kind, part.weight, part.words), 28, look);
    }
    if !fidelity.missing.is_empty() {
        let _ = writeln!(text, "not shown ({}), and what the run shows instead:", fidelity.missing.len());
    }
    for missing in fidelity.missing.iter().take(MOST_LISTED) {
        let line =
            format!("  {}  {}: {}{}: {}", missing.place, missing.host, missing.what, lines(missing), missing.instead);
        wrapped(text, &line, 4, look);
    }
    if let Some(more) = fidelity.missing.len().checked_sub(MOST_LISTED).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more");
    }
    for (node, counts) in &fidelity.extra {
        wrapped(text, &format!("beyond the incident, {node}: {}", counted(counts)), 2, look);
    }
    if !fidelity.not_comparable.is_empty() {
        let words = counted(&fidelity.not_comparable);
        wrapped(text, &format!("not compared, the reference node has no word for it: {words}"), 2, look);
    }
}

/// The checks of all arms, as many arms side by side as there is room for, then what was seen where one doesn't hold.
fn arms(text: &mut String, report: &Report<'_>, look: Look, width: usize) {
    let rows = report.rows();
    if rows.is_empty() {
        return;
    }
    let label = |kind: &str, check: &str| look.cut(&format!("{kind}: {check}"), width / 2);
    let labels = column(rows.iter().map(|row| label(row.kind, row.check)));
    let names: Vec<String> = report.arms.iter().map(|arm| look.cut(&arm.name, NAME)).collect();
    let cell = column(names.iter().cloned()).max("inconclusive".len());
    let fitting = (width.saturating_sub(labels) / (cell + 2)).max(1);
    for (block, names) in names.chunks(fitting).enumerate() {
        let heads: String = names.iter().map(|name| format!("  {name:cell$}")).collect();
        let _ = writeln!(text, "\n{}", format!("{:labels$}{heads}", "").trim_end());
        for Row { kind, check, cells } in &rows {
            let _ = write!(text, "{:labels$}", label(kind, check));
            let cells: Vec<_> = cells.iter().skip(block * fitting).take(names.len()).collect();
            for (index, judged) in cells.iter().enumerate() {
                let width = if index + 1 == cells.len() { 0 } else { cell };
                let verdict = judged.map(|judged| look.paint(judged.verdict, &format!("{:width$}", judged.verdict)));
                let _ = write!(text, "  {}", verdict.unwrap_or_else(|| format!("{:width$}", "-")));
            }
            text.push('\n');
        }
    }
    for Row { kind, check, cells } in &rows {
        for (arm, judged) in report.arms.iter().zip(cells) {
            if let Some(judged) = judged.filter(|judged| judged.verdict != Verdict::Pass) {
                let line = format!("{}, {kind}: {check}: {}: {}", arm.name, judged.verdict, judged.actual);
                wrapped(text, &line, 2, look);
            }
        }
    }
}

/// The width of a column.
fn column(cells: impl Iterator<Item = String>) -> usize {
    cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
}

/// A line, broken where it is too wide and indented from then on.
fn wrapped(to: &mut String, line: &str, indent: usize, look: Look) {
    to.push_str(&look.wrap(&plain(line), indent));
    to.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    const LOOK: Look = Look { width: None, height: None, unicode: true, colours: false };

    #[test]
    fn for_people() {
        insta::assert_snapshot!(terminal(&Sample::new().report(), LOOK));
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let sample = Sample::new();
        for width in [60, 80, 120] {
            let text = terminal(&sample.report(), Look { width: Some(width), ..LOOK });
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width), "{widest:?}\n{text}");
        }
    }

    #[test]
    fn ascii_alone_and_no_control_characters() {
        let mut sample = Sample::new();
        let text = terminal(&sample.report(), Look { unicode: false, ..LOOK });
        assert!(text.is_ascii(), "{text}");
        sample.incident.hosts[0].name = "evil\u{1b}[2J\u{202e}".into();
        let text = terminal(&sample.report(), Look { unicode: false, ..LOOK });
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }

    #[test]
    fn colours_are_for_verdicts() {
        let sample = Sample::new();
        let coloured = terminal(&sample.report(), Look { colours: true, ..LOOK });
        let plain = ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"]
            .iter()
            .fold(coloured, |text, code| text.replace(code, ""));
        assert_eq!(plain, terminal(&sample.report(), LOOK));
    }
}
