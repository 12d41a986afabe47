//! For people: a line per run as it ends with the grounds of what is no pass, a table at the end, counts, the slowest.
//!
//! Nothing is drawn over (that is `live`'s business), so that the same text is right in a terminal, a file and CI. Where few lines are seen at
//! once, a failure takes one screen and the table leaves out what passed.
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use crate::check::{Finding, Verdict};
use crate::history::seconds;
use crate::run::ScenarioResult;

use super::{Counts, Look, RUN_PAGE, Renderer, Results};

/// Runs told as the slowest.
const SLOWEST: usize = 3;
/// Lines around a failure's findings.
const AROUND: usize = 10;
/// Lines that one part of a finding may take where few are seen at once.
const LONGEST: usize = 3;
/// Columns of the table beside the scenarios' names: with all of it, and with what is most needed.
const TABLE: (usize, usize) = (48, 23);

/// See the module.
pub struct Terminal<'a> {
    to: Box<dyn Write + 'a>,
    look: Look,
    total: usize,
    done: usize,
}

impl<'a> Terminal<'a> {
    pub fn new(to: Box<dyn Write + 'a>, look: Look, total: usize) -> Self {
        Self { to, look, total, done: 0 }
    }

    /// Lines of one finding.
    fn finding(&self, finding: &Finding) -> String {
        let verdict = self.look.paint(finding.verdict, &finding.verdict.to_string());
        let line = finding.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        let mut parts = vec![
            (format!("    {verdict}: {}{line}", plain(&finding.check)), 8),
            (format!("      expected  {}", plain(&finding.expected)), 16),
            (format!("      actual    {}", plain(&finding.actual)), 16),
        ];
        parts.extend(finding.nearest.as_ref().map(|nearest| (format!("      nearest   {}", plain(nearest)), 16)));
        parts.extend(finding.disturbed().map(|disturbed| (format!("      {disturbed}"), 8)));
        parts.into_iter().map(|(part, indent)| self.short(&self.look.wrap(&part, indent)) + "\n").collect()
    }

    /// As many lines of a text as there is room for.
    fn short(&self, text: &str) -> String {
        let lines: Vec<&str> = text.lines().collect();
        match self.look.height {
            Some(_) if lines.len() > LONGEST => lines[..LONGEST].join("\n") + " …",
            _ => lines.join("\n"),
        }
    }

    /// The findings that there is room for, and how many there are besides.
    fn findings(&mut self, result: &ScenarioResult) -> io::Result<()> {
        let grounds = result.grounds();
        let mut room = self.look.height.map_or(usize::MAX, |height| height - AROUND);
        for (i, finding) in grounds.iter().enumerate() {
            let text = self.finding(finding);
            let lines = text.lines().count();
            if i > 0 && lines > room {
                let more = grounds.len() - i;
                return writeln!(self.to, "    and {more} more: the page has them");
            }
            room = room.saturating_sub(lines);
            write!(self.to, "{text}")?;
        }
        Ok(())
    }

    fn table(&mut self, results: &[ScenarioResult]) -> io::Result<()> {
        let mut rows = rows(results);
        let all = rows.len();
        if self.look.height.is_some_and(|height| all > height - AROUND) {
            rows.retain(|row| row.verdict != Verdict::Pass);
        }
        let passed = all - rows.len();
        let longest = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(8);
        let width = self.look.width.unwrap_or(usize::MAX);
        let is_wide = longest <= width - TABLE.0;
        let names = longest.min(width - TABLE.1);
        if !rows.is_empty() {
            let more = if is_wide { format!("  {:>12}  {:>9}", "converged in", "took") } else { String::new() };
            writeln!(self.to, "\n{:names$}  {:<12}  {:>7}{more}", "scenario", "verdict", "passed")?;
        }
        for row in rows {
            let verdict = self.look.paint(row.verdict, &format!("{:<12}", row.verdict));
            let counts = format!("{}/{}", row.passed, row.runs);
            let converged = row.converged.map_or("-".into(), seconds);
            let took = seconds(row.wall_time);
            let more = if is_wide { format!("  {converged:>12}  {took:>9}") } else { String::new() };
            writeln!(self.to, "{:names$}  {verdict}  {counts:>7}{more}", self.look.cut(row.name, names))?;
        }
        if passed > 0 {
            writeln!(self.to, "\n{passed} scenarios that pass are not listed")?;
        }
        Ok(())
    }

    fn summary(&mut self, results: &[ScenarioResult], wall_time: Duration) -> io::Result<()> {
        let mut slowest: Vec<&ScenarioResult> = results.iter().collect();
        slowest.sort_by_key(|result| std::cmp::Reverse(result.wall_time));
        let slowest: Vec<String> = slowest
            .iter()
            .take(SLOWEST)
            .map(|run| format!("{} seed {} {}", run.name, run.seed, seconds(run.wall_time)))
            .collect();
        writeln!(self.to, "\n{}", self.look.wrap(&format!("slowest: {}", slowest.join(", ")), 2))?;
        let again: Vec<&ScenarioResult> = results.iter().filter(|run| run.verdict != Verdict::Pass).collect();
        if !again.is_empty() {
            writeln!(self.to, "run again:")?;
        }
        for run in again {
            writeln!(self.to, "  {}", run.repeat)?;
        }
        let Counts { pass, fail, inconclusive, unsupported } = Counts::of(results);
        let verdict = Verdict::worst(results.iter().map(|result| result.verdict));
        let verdict = self.look.paint(verdict, &verdict.to_string());
        let line = format!(
            "{verdict}: {} runs in {}: {pass} pass, {fail} fail, {inconclusive} inconclusive, {unsupported} unsupported",
            results.len(),
            seconds(wall_time)
        );
        writeln!(self.to, "{}", self.look.wrap(&line, 2))
    }
}

impl Renderer for Terminal<'_> {
    fn ended(&mut self, result: &ScenarioResult) -> io::Result<()> {
        self.done += 1;
        let width = self.total.to_string().len();
        let verdict = self.look.paint(result.verdict, &format!("{:<12}", result.verdict));
        let line = format!(
            "[{:>width$}/{}] {verdict} {}  seed {}  {} {} in {}",
            self.done,
            self.total,
            result.name,
            result.seed,
            seconds(result.virtual_time),
            how(result),
            seconds(result.wall_time)
        );
        writeln!(self.to, "{}", self.look.wrap(&line, 4))?;
        if result.verdict != Verdict::Pass {
            writeln!(self.to, "{}", self.look.wrap(&format!("  {}", plain(&result.title)), 2))?;
            if !result.requirements.is_empty() {
                let requirements = format!("  requirements: {}", result.requirements.join(", "));
                writeln!(self.to, "{}", self.look.wrap(&requirements, 4))?;
            }
            self.findings(result)?;
            if let Some(folder) = &result.folder {
                writeln!(self.to, "  page: {}", folder.join(RUN_PAGE).display())?;
            }
            writeln!(self.to, "  seed {}, run again: {}", result.seed, result.repeat)?;
        }
        self.to.flush()
    }

    fn finished(&mut self, results: &Results) -> io::Result<()> {
        if results.runs.is_empty() {
            let verdict = self.look.paint(Verdict::Inconclusive, "inconclusive");
            writeln!(self.to, "{verdict}: no scenario was run")?;
        } else {
            self.table(&results.runs)?;
            self.summary(&results.runs, results.wall_time)?;
        }
        self.to.flush()
    }
}

/// How the scenario's time passed.
fn how(result: &ScenarioResult) -> String {
    match (&*result.backend, result.time_scale) {
        ("sim", _) => "simulated".into(),
        (backend, 1) => format!("on backend {backend}"),
        (backend, scale) => format!("on backend {backend} {scale} times as fast"),
    }
}

/// Without control characters: a node's log may hold what a peer wrote.
pub fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// All runs of one scenario.
struct Row<'a> {
    name: &'a str,
    verdict: Verdict,
    passed: usize,
    runs: usize,
    /// The slowest convergence.
    converged: Option<Duration>,
    /// Of all runs together.
    wall_time: Duration,
}

fn rows(results: &[ScenarioResult]) -> Vec<Row<'_>> {
    let mut rows: BTreeMap<&str, Row<'_>> = BTreeMap::new();
    for result in results {
        let row = rows.entry(&result.name).or_insert(Row {
            name: &result.name,
            verdict: result.verdict,
            passed: 0,
            runs: 0,
            converged: None,
            wall_time: Duration::ZERO,
        });
        row.verdict = row.verdict.max(result.verdict);
        row.runs += 1;
        row.passed += usize::from(result.verdict == Verdict::Pass);
        let converged = result.convergence.iter().map(|converged| converged.took).max();
        row.converged = row.converged.max(converged);
        row.wall_time += result.wall_time;
    }
    rows.into_values().collect()
}
