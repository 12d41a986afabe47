//! `lockstep replay`: from logs to a scenario, and what runs of it show.
mod keep;
mod logs;
mod tell;

use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{CliError, Exit, arm_error};
use crate::replay::arms;
use crate::replay::draft::{Draft, Options};
use crate::replay::fold::Moment;
use crate::run::Backend;
use crate::run::arm::Arm;
use crate::scenario::{NoSetting, Scenario, Setting};
use keep::Keep;
use logs::Logs;

/// Turn an incident's logs into a scenario, run it, and tell how much of the incident it shows.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// Logs: files, folders, or `-`. Compressed ones, too (.gz, .zst).
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    /// Where the scenario goes. Default: printed, unless it is run or kept.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Whose log a file is, where its lines don't say. Default: the file's name.
    #[arg(long, value_name = "FILE=NAME", value_parser = pair::<PathBuf, String>)]
    host: Vec<(PathBuf, String)>,
    /// Whose address it is, where the logs don't show it.
    #[arg(long, value_name = "IP=NAME", value_parser = pair::<Ipv4Addr, String>)]
    map: Vec<(Ipv4Addr, String)>,
    /// By how much a host's clock is ahead: `mn3=95s`, `mn3=-2m`. Default: estimated from pings and pongs that two logs tell of.
    #[arg(long, value_name = "NAME=TIME", value_parser = offset)]
    offset: Vec<(String, i64)>,
    /// The year of the first line, where lines have none. Default: by the files' times.
    #[arg(long, value_name = "YEAR")]
    year: Option<i16>,
    /// Further patterns of lines, before those that are built in: see `fixtures/patterns.yaml`.
    #[arg(long, value_name = "FILE")]
    patterns: Option<PathBuf>,
    /// What was before only tells how things stood: `2025-12-26 21:00`, `21:00:05`.
    #[arg(long, value_name = "TIME")]
    from: Option<Moment>,
    /// What comes later is left out.
    #[arg(long, value_name = "TIME")]
    to: Option<Moment>,
    /// Stretches without an event last at most so long in the scenario.
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "3m", value_parser = humantime::parse_duration)]
    squeeze: Option<Duration>,
    /// Other names for hosts, files, addresses and keys, the same ones everywhere; nothing is told of lines that no pattern knows but how many.
    #[arg(long)]
    redact: bool,
    /// Use what can be read of damaged or contradictory logs.
    #[arg(long)]
    lenient: bool,
    /// The scenario's title. Default: what was wrong.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Run the scenario: the nodes as they are, as they were, and with the settings of `--set`.
    #[arg(long)]
    run: bool,
    /// A further arm, with this setting on all nodes: `sync.enable_coordinator=false`. Several in one arm: with commas between.
    #[arg(long, value_name = "SECTION.KEY=VALUE", requires = "run", value_parser = settings)]
    set: Vec<Vec<Setting>>,
    /// Seed of the runs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the scenario, the page and the data of `--run`.
    #[arg(long, value_name = "DIR", default_value = "lockstep-replay", requires = "run")]
    out: PathBuf,
    /// What is printed of runs.
    #[arg(long, value_enum, default_value_t, requires = "run")]
    format: ReplayFormat,
    /// File the scenario as `scenarios/regressions/NAME.yaml`, so that `cargo test -p harness` runs it from then on. What a run of the nodes as
    /// they were doesn't show is left out of what it has to show.
    #[arg(long, value_name = "NAME", value_parser = regression_name)]
    keep: Option<String>,
    /// Folder of the scenarios, for `--keep`.
    #[arg(long, value_name = "DIR", default_value = "scenarios", requires = "keep")]
    scenarios: PathBuf,
    /// Copy the logs, too, to DIR/NAME/ (default: fixtures/incidents), so that the lines that the scenario names can be looked up. They go as
    /// they are, with all that they tell, 16 MiB at most.
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = "fixtures/incidents", requires = "keep", conflicts_with = "redact")]
    keep_logs: Option<PathBuf>,
}

/// Of a scenario's run.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// Forms of what is told of runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ReplayFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

pub(super) fn replay(args: &ReplayArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let logs = Logs::read(args)?;
    let keep = args.keep.as_ref().map(|name| Keep::new(args, name, &logs.reading)).transpose()?;
    let not_understood = logs.not_understood();
    let mut draft = Draft::of(&logs.incident, &Options { title: logs.title.clone(), squeeze: args.squeeze });
    draft.unknowns.extend(logs.guesses());
    if draft.runs_for() > LONGEST {
        let days = draft.runs_for().as_secs() / 86_400;
        return Err(CliError::Argument(format!(
            "the logs tell of {days} days, and a run lasts 7 at most: --from and --to choose a part, --squeeze shortens idle stretches"
        )));
    }
    tell::summary(&logs.reading, &draft, &not_understood, args.redact)?;
    if !args.run && keep.is_none() {
        written(args, &draft.to_string(), out)?;
        return Ok(Exit::Expected);
    }
    let backend = Backend::simulation();
    arms::choose(&mut draft, args.seed, &backend).map_err(arm_error)?;
    if keep.is_some() {
        arms::prune(&mut draft, args.seed, &backend).map_err(arm_error)?;
    }
    let yaml = draft.to_string();
    let scenario = parsed(&yaml)?;
    if args.output.is_some() {
        written(args, &yaml, out)?;
    }
    let mut exit = Exit::Expected;
    if args.run {
        let wanted = args.set.iter().map(|settings| {
            let names: Vec<String> = settings.iter().map(Setting::to_string).collect();
            Arm { name: names.join(", "), settings: settings.clone(), mutant: None }
        });
        let played = arms::play(&scenario, wanted, args.seed, &backend).map_err(arm_error)?;
        let report = arms::report(&draft, &played, not_understood);
        tell::runs(args, &report, &yaml, out)?;
        exit = match arms::verdict(&played) {
            arms::Outcome::Cured => Exit::Expected,
            arms::Outcome::NotCured => Exit::Failed,
            arms::Outcome::NotReproduced => Exit::Undecided,
        };
    }
    if let Some(keep) = keep {
        keep.write(&scenario, &yaml)?;
    }
    Ok(exit)
}

fn parsed(yaml: &str) -> Result<Scenario, CliError> {
    Scenario::parse("the scenario that was read from the logs", yaml)
        .map_err(|error| CliError::Harness(format!("{error}\nthis is an error of Lockstep's")))
}

fn written(args: &ReplayArgs, yaml: &str, out: &mut impl Write) -> Result<(), CliError> {
    parsed(yaml)?;
    match &args.output {
        Some(path) => save(path, yaml.as_bytes()),
        None => Ok(out.write_all(yaml.as_bytes())?),
    }
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    fs::write(path, bytes).map_err(|error| CliError::Harness(format!("cannot write {}: {error}", path.display())))
}

/// `A=B`.
fn pair<A: std::str::FromStr, B: std::str::FromStr>(text: &str) -> Result<(A, B), String> {
    let wrong = || format!("`{text}` is not of the form A=B");
    let (a, b) = text.rsplit_once('=').filter(|(a, b)| !a.is_empty() && !b.is_empty()).ok_or_else(wrong)?;
    Ok((a.parse().map_err(|_| wrong())?, b.parse().map_err(|_| wrong())?))
}

fn offset(text: &str) -> Result<(String, i64), String> {
    let (name, time): (String, String) = pair(text)?;
    let (sign, time) = match time.strip_prefix('-') {
        Some(time) => (-1, time),
        None => (1, time.strip_prefix('+').unwrap_or(&time)),
    };
    let micros = humantime::parse_duration(time).map_err(|error| format!("`{time}`: {error}"))?.as_micros();
    Ok((name, sign * i64::try_from(micros).map_err(|_| format!("`{time}` is too long"))?))
}

fn settings(text: &str) -> Result<Vec<Setting>, String> {
    text.split(',').map(|setting| setting.trim().parse().map_err(|error: NoSetting| error.to_string())).collect()
}

fn regression_name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match !text.is_empty() && text.len() <= 80 && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("a name has small letters, digits and -, 80 at most".to_owned()),
    }
}
