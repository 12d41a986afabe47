//! For people: a line per run as it ends with the grounds of what is no pass, a table at the end, counts, the slowest.
//!
//! Progress is those lines alone: nothing is drawn over, so that the same text is right in a terminal, a file and CI.
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use crate::check::{Finding, Verdict};
use crate::history::seconds;
use crate::run::ScenarioResult;

use super::{Counts, RUN_PAGE, Renderer, Results};

/// Runs told as the slowest.
const SLOWEST: usize = 3;

/// See the module.
pub struct Terminal<'a> {
    to: Box<dyn Write + 'a>,
    colours: bool,
    total: usize,
    done: usize,
}

impl<'a> Terminal<'a> {
    pub fn new(to: Box<dyn Write + 'a>, colours: bool, total: usize) -> Self {
        Self { to, colours, total, done: 0 }
    }

    fn paint(&self, verdict: Verdict, text: &str) -> String {
        if !self.colours {
            return text.into();
        }
        let colour = match verdict {
            Verdict::Pass => 32,
            Verdict::Fail => 31,
            Verdict::Inconclusive | Verdict::Unsupported => 33,
        };
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let verdict = self.paint(finding.verdict, &finding.verdict.to_string());
        let line = finding.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        writeln!(self.to, "    {verdict}: {}{line}", plain(&finding.check))?;
        writeln!(self.to, "      expected  {}", plain(&finding.expected))?;
        writeln!(self.to, "      actual    {}", plain(&finding.actual))?;
        if let Some(nearest) = &finding.nearest {
            writeln!(self.to, "      nearest   {}", plain(nearest))?;
        }
        if let Some(disturbed) = finding.disturbed() {
            writeln!(self.to, "      {disturbed}")?;
        }
        Ok(())
    }

    fn table(&mut self, results: &[ScenarioResult]) -> io::Result<()> {
        let rows = rows(results);
        let name_width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(8);
        let heads = ("scenario", "verdict", "passed", "converged in", "took");
        writeln!(
            self.to,
            "\n{:name_width$}  {:<12}  {:>7}  {:>12}  {:>9}",
            heads.0, heads.1, heads.2, heads.3, heads.4
        )?;
        for row in rows {
            let verdict = self.paint(row.verdict, &format!("{:<12}", row.verdict));
            let passed = format!("{}/{}", row.passed, row.runs);
            let converged = row.converged.map_or("-".into(), seconds);
            let took = seconds(row.wall_time);
            writeln!(self.to, "{:name_width$}  {verdict}  {passed:>7}  {converged:>12}  {took:>9}", row.name)?;
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
        writeln!(self.to, "\nslowest: {}", slowest.join(", "))?;
        let again: Vec<&ScenarioResult> = results.iter().filter(|run| run.verdict != Verdict::Pass).collect();
        if !again.is_empty() {
            writeln!(self.to, "run again:")?;
        }
        for run in again {
            writeln!(self.to, "  {}", run.repeat)?;
        }
        let Counts { pass, fail, inconclusive, unsupported } = Counts::of(results);
        let verdict = Verdict::worst(results.iter().map(|result| result.verdict));
        let verdict = self.paint(verdict, &verdict.to_string());
        writeln!(
            self.to,
            "{verdict}: {} runs in {}: {pass} pass, {fail} fail, {inconclusive} inconclusive, {unsupported} unsupported",
            results.len(),
            seconds(wall_time)
        )
    }
}

impl Renderer for Terminal<'_> {
    fn ended(&mut self, result: &ScenarioResult) -> io::Result<()> {
        self.done += 1;
        let width = self.total.to_string().len();
        let verdict = self.paint(result.verdict, &format!("{:<12}", result.verdict));
        writeln!(
            self.to,
            "[{:>width$}/{}] {verdict} {}  seed {}  {} {} in {}",
            self.done,
            self.total,
            result.name,
            result.seed,
            seconds(result.virtual_time),
            how(result),
            seconds(result.wall_time)
        )?;
        let grounds = result.grounds();
        if !grounds.is_empty() {
            writeln!(self.to, "  {}", result.title)?;
            if !result.requirements.is_empty() {
                writeln!(self.to, "  requirements: {}", result.requirements.join(", "))?;
            }
            for finding in grounds {
                self.finding(finding)?;
            }
            if let Some(folder) = &result.folder {
                writeln!(self.to, "  page: {}", folder.join(RUN_PAGE).display())?;
            }
            writeln!(self.to, "  seed {}, run again: {}", result.seed, result.repeat)?;
        }
        self.to.flush()
    }

    fn finished(&mut self, results: &Results) -> io::Result<()> {
        if results.runs.is_empty() {
            let verdict = self.paint(Verdict::Inconclusive, "inconclusive");
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
