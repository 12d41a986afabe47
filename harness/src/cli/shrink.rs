//! `lockstep shrink`.
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::{CliError, Exit, arm_error};
use crate::check::Verdict;
use crate::explore::shrink::keep::{self, KeepError};
use crate::explore::shrink::{Budget, Seen, Shrunk, Size, Task, Witness, confirmed};
use crate::run::stopwatch::Stopwatch;
use crate::run::{Backend, Detail, repeat_command, shell_word};
use crate::scenario::{Scenario, find};

/// Make a failing scenario small.
#[derive(Debug, Args)]
pub(super) struct ShrinkArgs {
    /// The scenario's file.
    #[arg(value_name = "SCENARIO")]
    pub(super) scenario: PathBuf,
    /// Seed with which it fails. Default: the scenario's own, else 1.
    #[arg(long)]
    pub(super) seed: Option<u64>,
    /// Time for the search; the smallest scenario that was found by then is taken.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(super) time: Duration,
    /// Where the small scenario goes: a new file. Default: lockstep-shrunk/NAME-seedN.yaml, in the place of an earlier one.
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// File it as `scenarios/regressions/NAME.yaml`, so that `cargo test -p harness` runs it from then on; the name is that of the failure.
    #[arg(long, conflicts_with = "out")]
    pub(super) keep: bool,
    /// Folder of the scenarios, for `--keep`.
    #[arg(long, value_name = "DIR", default_value = "scenarios", requires = "keep")]
    pub(super) scenarios: PathBuf,
    /// Run nodes with this defect: a failure counts where nodes without it pass.
    #[arg(long, value_name = "NAME")]
    pub(super) mutant: Option<String>,
}

/// Judged at most, however long they may take.
const TRIES: u32 = 100_000;
/// Between two lines about the progress.
const EVERY: Duration = Duration::from_secs(2);
/// Where small scenarios go, unless told otherwise.
const OUT: &str = "lockstep-shrunk";

pub(super) fn shrink(args: &ShrinkArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let scenario = load(&args.scenario)?;
    if let Some(path) = args.out.as_ref().filter(|path| path.exists()) {
        return Err(KeepError::There(path.clone()).into());
    }
    let path = args.scenario.display().to_string();
    let witness = Witness { seed: args.seed.unwrap_or(scenario.seed), mutant: args.mutant.clone() };
    let want = failure(&scenario, &path, &witness)?;
    if let Some(failure) = &want.failure {
        writeln!(io::stderr(), "{failure}\n{}", Size::of(&scenario))?;
    }

    let watch = Stopwatch::start();
    let budget = Budget { tries: TRIES, time: args.time };
    let task =
        Task { name: &scenario.name, text: &scenario.source, seed: witness.seed, guard: witness.guard(), budget };
    let mut progress = Progress { watch, told: Duration::ZERO, tries: 0, smallest: None };
    // Many times faster; what it can't run, or what doesn't fail in it, is searched in the simulation.
    let search = Backend::EventQueue(Detail::Checked);
    let shrunk = confirmed(&task, &witness, &want, &search, &mut |tried, fails| progress.tell(tried, fails))
        .map_err(|error| CliError::Harness(format!("{path}: {error}")))?;
    let (file, seed) = match written(args, &scenario, &shrunk, &want, &witness) {
        Err(error @ CliError::Keep(_)) => {
            // What was found is not lost.
            out.write_all(shrunk.text.as_bytes())?;
            return Err(error);
        }
        written => written?,
    };
    tell(&Told { file: &file, shrunk: &shrunk, seed, took: watch.elapsed(), args }, out)?;
    Ok(Exit::Expected)
}

/// One scenario: a folder is too much.
fn load(path: &Path) -> Result<Scenario, CliError> {
    match find(&[path.to_owned()])?.as_slice() {
        [file] if path.is_file() => Ok(Scenario::load(&file.path, &file.root)?),
        _ => Err(CliError::Argument(format!("{} is no file: one scenario is shrunk at a time", path.display()))),
    }
}

/// How the scenario fails.
fn failure(scenario: &Scenario, path: &str, witness: &Witness) -> Result<Seen, CliError> {
    let seed = witness.seed;
    let seen = witness.run(scenario, &Backend::simulation()).map_err(arm_error)?;
    if seen.failure.is_none() {
        let says = match seen.verdict {
            Verdict::Pass => "it passes".to_owned(),
            other => format!("it is {other}, which is no failure"),
        };
        let with = witness.mutant.as_ref().map(|name| format!(" and the defect `{name}`")).unwrap_or_default();
        let more = format!("{} --seeds 100", repeat_command(path, seed.saturating_add(1)));
        return Err(CliError::Argument(format!(
            "{path}: {says} with seed {seed}{with}: there is nothing to shrink\nother seeds: {more}"
        )));
    }
    if !witness.passes_without(scenario, &Backend::simulation()).map_err(arm_error)? {
        let name = witness.mutant.as_deref().unwrap_or_default();
        return Err(CliError::Argument(format!(
            "{path}: nodes without the defect `{name}` don't pass with seed {seed} either: shrink it without --mutant"
        )));
    }
    Ok(seen)
}

/// Files the small scenario: where, and the seed with which it fails.
fn written(
    args: &ShrinkArgs,
    scenario: &Scenario,
    shrunk: &Shrunk,
    want: &Seen,
    witness: &Witness,
) -> Result<(PathBuf, u64), CliError> {
    let seed = witness.seed;
    if args.keep {
        return kept(args, shrunk, want, witness);
    }
    if let Some(path) = &args.out {
        keep::write_new(path, &shrunk.text)?;
        return Ok((path.clone(), seed));
    }
    let path = Path::new(OUT).join(format!("{}-seed{seed}.yaml", scenario.name.replace('/', "-")));
    keep::replace(&path, &shrunk.text)?;
    Ok((path, seed))
}

/// As a regression, if possible with the seed that all tests have.
fn kept(args: &ShrinkArgs, shrunk: &Shrunk, want: &Seen, witness: &Witness) -> Result<(PathBuf, u64), CliError> {
    let mut found =
        format!("lockstep shrink {} --seed {}", shell_word(&args.scenario.display().to_string()), witness.seed);
    if let Some(name) = &args.mutant {
        found += &format!(" --mutant {name}");
    }
    let name = format!("regressions/{}", shrunk.fingerprint.slug());
    for seed in [1, witness.seed] {
        let text = keep::regression(shrunk, seed, &found).map_err(|error| CliError::Harness(error.to_string()))?;
        let scenario = Scenario::parse(&name, &text).map_err(|error| CliError::Harness(error.to_string()))?;
        let with = Witness { seed, ..witness.clone() };
        if with.judge(&scenario, want, &Backend::simulation()).is_some() {
            let folder = args.scenarios.join("regressions");
            return Ok((keep::write_beside(&folder, &shrunk.fingerprint.slug(), &text)?, seed));
        }
    }
    Err(CliError::Harness("the small scenario doesn't fail under its new name: write it with --out".to_owned()))
}

/// What is told at the end.
struct Told<'a> {
    file: &'a Path,
    shrunk: &'a Shrunk,
    seed: u64,
    took: Duration,
    args: &'a ShrinkArgs,
}

fn tell(told: &Told<'_>, out: &mut impl Write) -> io::Result<()> {
    let Told { file, shrunk, seed, took, args } = told;
    let path = file.display().to_string();
    let repeat = match &args.mutant {
        None => repeat_command(&path, *seed),
        Some(name) => format!("lockstep shrink {} --seed {seed} --mutant {name}", shell_word(&path)),
    };
    writeln!(out, "{path}")?;
    writeln!(out, "  failure  {}", shrunk.fingerprint)?;
    writeln!(out, "  before   {}", shrunk.from)?;
    writeln!(out, "  after    {}", shrunk.to)?;
    let end = if shrunk.smallest { "nothing makes it smaller" } else { "the time is over: --time gives it more" };
    let (tries, accepted) = (shrunk.tries, shrunk.accepted);
    writeln!(out, "  tries    {tries}, {accepted} of them smaller, in {:.1} s; {end}", took.as_secs_f64())?;
    writeln!(out, "  repeat   {repeat}")?;
    if args.keep {
        writeln!(
            out,
            "\nFrom now on `cargo test -p harness` runs it, as it is and jittered, and fails until the nodes are mended. A snapshot of what it then \
             shows is not needed; `INSTA_UPDATE=always cargo test -p harness --test scenarios` makes one."
        )?;
    }
    Ok(())
}

/// A line on stderr now and then.
struct Progress {
    watch: Stopwatch,
    told: Duration,
    tries: u32,
    smallest: Option<Size>,
}

impl Progress {
    fn tell(&mut self, tried: &Scenario, fails: bool) {
        self.tries += 1;
        if fails {
            self.smallest = Some(Size::of(tried));
        }
        let now = self.watch.elapsed();
        if let Some(size) = self.smallest.filter(|_| now >= self.told + EVERY) {
            self.told = now;
            // Nobody has to hear of it.
            let _ = writeln!(io::stderr(), "{} tries: {size}", self.tries);
        }
    }
}
