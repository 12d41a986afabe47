//! `lockstep explore`.
use std::fs;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use node::protocol::mutant::Mutant;

use super::shrink::{ShrinkArgs, shrink};
use super::{CliError, Exit};
use crate::check::Verdict;
use crate::explore::campaign::Campaign;
use crate::explore::generate::{Limits, generate};
use crate::explore::ledger::{Budget, Ledger};
use crate::explore::page;
use crate::explore::results::{Head, Results, ResultsError, ResultsFile, Stretch};
use crate::report::Live;
use crate::run::Shard;
use crate::run::stopwatch::Stopwatch;
use crate::scenario::vocabulary;

/// Draw scenarios from seeds and play each under an event queue, until something fails.
#[derive(Debug, Args)]
pub(super) struct ExploreArgs {
    /// Seeds: so many from 1 on, or `A..=B`.
    #[arg(long, value_name = "SEEDS", default_value = "10000", value_parser = seeds)]
    seeds: RangeInclusive<u64>,
    /// No seed begins after this time.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
    /// Seeds at the same time. Default: one per core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Only the I-th of N parts of the seeds, counted from 0, for one machine of several.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Nodes of a scenario, `A..=B`, 3 to 200.
    #[arg(long, value_name = "NODES", default_value = "3..=20", value_parser = nodes)]
    nodes: RangeInclusive<usize>,
    /// Simulated time of a scenario at most, 10m or more.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = humantime::parse_duration)]
    longest: Duration,
    /// Run nodes with this defect: how soon is it found?
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// End with the first seed that fails.
    #[arg(long)]
    until_failure: bool,
    /// A mark that no seed reached is a failure.
    #[arg(long)]
    all_marks: bool,
    /// File that keeps what came of each seed: lines of JSON. One that is there already is an error without `--resume`.
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Go on with what the file of `--results` has.
    #[arg(long, requires = "results")]
    resume: bool,
    /// Play nothing: tell what these files of results say together.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["results", "show"])]
    merge: Vec<PathBuf>,
    /// A ledger to compare with: an earlier `--json`. A p99 that grew by more than the factor is a failure.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// See `--baseline`.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.2, requires = "baseline")]
    factor: f64,
    /// Folder for the scenarios of seeds that fail.
    #[arg(long, value_name = "DIR", default_value = "lockstep-explored")]
    out: PathBuf,
    /// Time to make the first scenario of each way to fail small, as `lockstep shrink` does; 0s leaves them as they were drawn.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    shrink_time: Duration,
    /// File for a page of what came of it.
    #[arg(long, value_name = "FILE", conflicts_with = "show")]
    page: Option<PathBuf>,
    /// Play nothing: print the scenario of a seed, and on the standard error every option that was drawn.
    #[arg(long, value_name = "SEED")]
    show: Option<u64>,
    /// One JSON document instead of text.
    #[arg(long)]
    json: bool,
}

/// Between two lines about the progress where nobody watches a terminal.
const EVERY: Duration = Duration::from_secs(30);
/// And where somebody does.
const LIVE: Duration = Duration::from_millis(500);

fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let number = |text: &str| text.replace('_', "").parse::<u64>().map_err(|error| format!("`{text}`: {error}"));
    let (from, to) = match text.split_once("..=") {
        Some((from, to)) => (number(from)?, number(to)?),
        None => (1, number(text)?),
    };
    if from <= to && to < u64::MAX { Ok(from..=to) } else { Err("there is no seed between them".to_owned()) }
}

fn nodes(text: &str) -> Result<RangeInclusive<usize>, String> {
    let range = seeds(text)?;
    let (from, to) = (*range.start() as usize, *range.end() as usize);
    if from >= 3 && to <= 200 { Ok(from..=to) } else { Err("3 to 200 nodes, as in `3..=20`".to_owned()) }
}

pub(super) fn explore(args: &ExploreArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let limits = Limits { nodes: args.nodes.clone(), longest: args.longest };
    if let Some(seed) = args.show {
        return show(seed, &limits, out);
    }
    let mut results = Results::default();
    if !args.merge.is_empty() {
        for path in &args.merge {
            if results.read(path)?.is_some() {
                writeln!(io::stderr(), "{}: its last line is cut: left out", path.display())?;
            }
        }
        return tell(args, &results, None, out);
    }
    let mutant = args.mutant.as_deref().map(named).transpose()?;
    let head = Head::new(
        format!("{} to {} nodes, at most {} s", limits.nodes.start(), limits.nodes.end(), limits.longest.as_secs()),
        args.mutant.clone(),
    );
    let mut file = args.results.as_ref().map(|path| file(args, path, &head, &mut results)).transpose()?;
    results.head = Some(head);
    let shard = args.shard.unwrap_or(Shard { index: 0, of: 1 });
    let seeds = args.seeds.end() - args.seeds.start() + 1;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let campaign = Campaign {
        seeds: args.seeds.clone(),
        shard,
        limits,
        mutant,
        time: args.time,
        until_failure: args.until_failure,
        jobs: args.jobs.map_or(cores, usize::from),
    };
    let stop = interrupted()?;
    let mut progress = Progress::new(results.whole().count(), seeds.div_ceil(shard.of.into()));
    let mut failed = None;
    let before = results.clone();
    campaign.run(&before, &stop, |stretch| {
        let written = file.as_mut().map_or(Ok(()), |file| file.add(&stretch));
        results.add(stretch);
        progress.tell(&results);
        failed = written.err();
        failed.is_none()
    });
    if let Some(error) = failed {
        // What was found is told all the same.
        tell(args, &results, Some(&progress), out)?;
        return Err(error.into());
    }
    let exit = tell(args, &results, Some(&progress), out)?;
    Ok(if stop.load(Ordering::Relaxed) && exit != Exit::Failed { Exit::Interrupted } else { exit })
}

fn show(seed: u64, limits: &Limits, out: &mut impl Write) -> Result<Exit, CliError> {
    let drawn = generate(seed, limits);
    for (option, value) in &drawn.options {
        writeln!(io::stderr(), "# {option}: {value}")?;
    }
    out.write_all(drawn.text.as_bytes())?;
    Ok(Exit::Expected)
}

fn named(name: &str) -> Result<Mutant, CliError> {
    let names: Vec<String> = Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
    let help = || vocabulary::allowed(name, names.iter().map(String::as_str));
    Mutant::named(name).ok_or_else(|| CliError::Argument(format!("no defect `{name}`\n{}", help())))
}

/// The file of results, and what it has.
fn file(args: &ExploreArgs, path: &Path, head: &Head, results: &mut Results) -> Result<ResultsFile, CliError> {
    let is_new = fs::metadata(path).map_or(true, |file| file.len() == 0);
    if is_new {
        return Ok(ResultsFile::open(path, head, None)?);
    }
    if !args.resume {
        return Err(CliError::Argument(format!("{} is there already: `--resume` goes on with it", path.display())));
    }
    results.head = Some(head.clone());
    let cut = results.read(path)?;
    if cut.is_some() {
        writeln!(io::stderr(), "{}: its last line is cut: those seeds are played again", path.display())?;
    }
    Ok(ResultsFile::open(path, head, cut)?)
}

/// Set by Ctrl-C, and by who ends a job in good order.
fn interrupted() -> Result<Arc<AtomicBool>, CliError> {
    let stop = Arc::new(AtomicBool::new(false));
    let set = stop.clone();
    ctrlc::set_handler(move || {
        if set.swap(true, Ordering::Relaxed) {
            // Asked twice: at once.
            std::process::exit(Exit::Interrupted as i32);
        }
    })
    .map_err(|error| CliError::Harness(error.to_string()))?;
    Ok(stop)
}

/// What is told while seeds are played.
struct Progress {
    watch: Stopwatch,
    told: Duration,
    /// Seeds that were there before.
    before: u64,
    live: Live,
}

impl Progress {
    fn new(before: u64, seeds: u64) -> Self {
        let live = Live::new(usize::try_from(seeds).unwrap_or(usize::MAX));
        Self { watch: Stopwatch::start(), told: Duration::ZERO, before, live }
    }

    /// Seeds a second since the start.
    fn rate(&self, results: &Results) -> f64 {
        (results.whole().count() - self.before) as f64 / self.watch.elapsed().as_secs_f64().max(0.001)
    }

    fn tell(&mut self, results: &Results) {
        let (now, whole) = (self.watch.elapsed(), results.whole());
        self.live.done(whole.count() - self.before);
        if now < self.told + if self.live.is_shown() { LIVE } else { EVERY } {
            return;
        }
        self.told = now;
        let reached = whole.marks.all().filter(|(.., count)| *count > 0).count();
        let line = format!(
            "{:.0} a second, {} failed in {} ways, {reached} of {} marks, {}",
            self.rate(results),
            whole.failures.len(),
            whole.by_fingerprint().len(),
            whole.marks.all().count(),
            whole.simulated(),
        );
        if self.live.is_shown() {
            return self.live.say(&line);
        }
        // Progress that nobody can read is no reason to end.
        let _ = writeln!(io::stderr(), "{} seeds, {line}", whole.count());
    }
}

/// Tells what came of all seeds, files those that failed, and says how the campaign ended.
fn tell(
    args: &ExploreArgs,
    results: &Results,
    progress: Option<&Progress>,
    out: &mut impl Write,
) -> Result<Exit, CliError> {
    if let Some(progress) = progress {
        progress.live.end();
    }
    let whole = results.whole();
    let never: Vec<_> = whole.marks.all().filter(|(.., count)| *count == 0).collect();
    let grown = match &args.baseline {
        Some(path) => whole.ledger.grown(&baseline(path)?, args.factor),
        None => Vec::new(),
    };
    if args.json {
        let document = serde_json::json!({ "head": results.head, "seeds": results.whole().count(), "all": whole });
        writeln!(out, "{document:#}")?;
    } else {
        text(results, whole, progress, out)?;
    }
    if let Some(path) = &args.page {
        fs::write(path, page::html(results)).map_err(|source| ResultsError::Io { path: path.clone(), source })?;
    }
    for (budget, before, now) in &grown {
        writeln!(
            io::stderr(),
            "p99 of {} grew from {:.1} s to {:.1} s",
            budget.name(),
            before.as_secs_f64(),
            now.as_secs_f64()
        )?;
    }
    if args.all_marks {
        for (name, meaning, _) in &never {
            writeln!(io::stderr(), "never reached: {name} ({meaning})")?;
        }
    }
    file_failures(args, results, whole)?;
    let failed = !grown.is_empty() || (args.all_marks && !never.is_empty());
    Ok(match whole.verdict() {
        Verdict::Pass if !failed => Exit::Expected,
        Verdict::Inconclusive | Verdict::Unsupported if !failed => Exit::Undecided,
        _ => Exit::Failed,
    })
}

fn text(results: &Results, whole: &Stretch, progress: Option<&Progress>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "marks, and how often they were reached")?;
    for (name, meaning, count) in whole.marks.all() {
        writeln!(out, "  {count:>10}  {name:<24} {meaning}")?;
    }
    writeln!(out, "\nbudget         seen       p50       p99       max     limit")?;
    for budget in Budget::ALL {
        let Some(seen) = whole.ledger.get(budget) else { continue };
        let time = |time: Option<Duration>| time.map_or("-".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
        let limit = budget.limit().map_or("the scenario's".to_owned(), |limit| time(Some(limit)));
        let (p50, p99) = (time(seen.quantile(0.5)), time(seen.quantile(0.99)));
        let max = time(Some(Duration::from_millis(seen.max_ms)));
        writeln!(out, "{:<10} {:>8} {p50:>9} {p99:>9} {max:>9} {limit:>9}", budget.name(), seen.count)?;
    }
    for (fingerprint, (count, first)) in whole.by_fingerprint() {
        writeln!(out, "\n{count} seeds fail: {fingerprint}\n  the first: seed {}: {}", first.seed, first.what)?;
    }
    if let Some((seed, why)) = whole.undecided.first_key_value() {
        writeln!(out, "\n{} seeds are undecided, the first: seed {seed}: {why}", whole.undecided.len())?;
    }
    let took = progress.map_or(String::new(), |progress| format!(", {:.0} a second", progress.rate(results)));
    writeln!(
        out,
        "\n{} seeds{took}, {}: {} passed, {} failed, {} undecided",
        results.whole().count(),
        whole.simulated(),
        whole.of(Verdict::Pass),
        whole.failures.len(),
        whole.undecided.len(),
    )
}

fn baseline(path: &Path) -> Result<Ledger, CliError> {
    #[derive(serde::Deserialize)]
    struct Document {
        all: Stretch,
    }
    let text = fs::read(path).map_err(|source| ResultsError::Io { path: path.to_owned(), source })?;
    let document: Document = serde_json::from_slice(&text)
        .map_err(|error| CliError::Argument(format!("{}: no report of `explore --json`: {error}", path.display())))?;
    Ok(document.all.ledger)
}

/// Writes the scenario of the first seed of each failure, as it was drawn and small.
fn file_failures(args: &ExploreArgs, results: &Results, whole: &Stretch) -> Result<(), CliError> {
    if !args.merge.is_empty() {
        return Ok(());
    }
    let limits = Limits { nodes: args.nodes.clone(), longest: args.longest };
    for (fingerprint, (_, first)) in whole.by_fingerprint() {
        let path = args.out.join(format!("{}-seed{}.yaml", fingerprint.slug(), first.seed));
        let written = fs::create_dir_all(&args.out).and_then(|()| fs::write(&path, generate(first.seed, &limits).text));
        written.map_err(|source| ResultsError::Io { path: path.clone(), source })?;
        let mutant = results.head.as_ref().and_then(|head| head.mutant.clone());
        let named = mutant.as_ref().map_or(String::new(), |name| format!(" --mutant {name}"));
        writeln!(io::stderr(), "\nlockstep shrink {} --seed {}{named}", path.display(), first.seed)?;
        let small = path.with_extension("small.yaml");
        if args.shrink_time.is_zero() || small.exists() {
            continue;
        }
        let task = ShrinkArgs {
            scenario: path,
            seed: Some(first.seed),
            time: args.shrink_time,
            out: Some(small),
            keep: false,
            scenarios: PathBuf::new(),
            mutant,
        };
        // What can't be made small is there as it was drawn.
        if let Err(error) = shrink(&task, &mut io::stderr()) {
            writeln!(io::stderr(), "{error}")?;
        }
    }
    Ok(())
}
