//! `lockstep replay`: from logs to a scenario, and what runs of it show.
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{CliError, Exit};
use crate::replay::draft::{Draft, Options, Redaction};
use crate::replay::fold::{Fold, Known, Moment, Window};
use crate::replay::read::{self, Reading};
use crate::replay::render::{self, Look};
use crate::replay::report::{NotUnderstood, Report};
use crate::replay::told::Shown;
use crate::replay::{Incident, arms};
use crate::report;
use crate::run::Backend;
use crate::run::arm::Arm;
use crate::scenario::{NoSetting, Scenario, Setting};

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
    /// Other names for hosts, addresses and keys, the same ones everywhere.
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
    let (mut incident, reading) = incident(args)?;
    let mut not_understood = not_understood(&reading);
    if args.redact {
        let mut redaction = Redaction::of(&incident);
        incident = redaction.incident(&incident);
        for kind in &mut not_understood {
            for text in [&mut kind.kind, &mut kind.sample, &mut kind.place] {
                *text = redaction.text(text);
            }
        }
    }
    let options = Options { title: args.title.clone(), squeeze: args.squeeze };
    let mut draft = Draft::of(&incident, &options);
    draft.unknowns.extend(guesses(&reading));
    if draft.runs_for() > LONGEST {
        let days = draft.runs_for().as_secs() / 86_400;
        return Err(CliError::Argument(format!(
            "the logs tell of {days} days, and a run lasts 7 at most: --from and --to choose a part, --squeeze shortens idle stretches"
        )));
    }
    let runs = args.run || args.keep.is_some();
    summary(args, &reading, &draft, &not_understood)?;
    if !runs {
        written(args, &draft.to_string(), out)?;
        return Ok(Exit::Expected);
    }
    let backend = Backend::simulation();
    arms::choose(&mut draft, args.seed, &backend).map_err(arm_error)?;
    if args.keep.is_some() {
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
        tell(args, &report, &yaml, out)?;
        exit = match arms::verdict(&played) {
            arms::Outcome::Cured => Exit::Expected,
            arms::Outcome::NotCured => Exit::Failed,
            arms::Outcome::NotReproduced => Exit::Undecided,
        };
    }
    if let Some(name) = &args.keep {
        keep(args, name, &scenario, &yaml)?;
    }
    Ok(exit)
}

/// Reads and folds the logs.
fn incident(args: &ReplayArgs) -> Result<(Incident, Reading), CliError> {
    let options = read::Options {
        hosts: args.host.clone(),
        year: args.year,
        patterns: args.patterns.clone(),
        lenient: args.lenient,
    };
    let mut fold = Fold::new(Window { from: args.from, until: args.to });
    let reading = read::read(&args.logs, &options, &mut |told| fold.tell(told))?;
    let files = reading.names();
    let contradictions = fold.contradictions(&reading.hosts, &files);
    if let Some(first) = contradictions.first() {
        if !args.lenient {
            return Err(CliError::Argument(format!(
                "{first}\nlogs of several hosts in one file? --host FILE=NAME names one; --lenient takes what they say as it is"
            )));
        }
        for contradiction in &contradictions {
            writeln!(io::stderr(), "warning: {contradiction}")?;
        }
    }
    let unknown = |name: &String| !reading.hosts.contains(name);
    let named = args.map.iter().map(|(_, name)| name).chain(args.offset.iter().map(|(name, _)| name));
    if let Some(name) = named.into_iter().find(|name| unknown(name)) {
        return Err(CliError::Argument(format!("no log is of `{name}`: there are {}", reading.hosts.join(", "))));
    }
    let known = Known { addresses: args.map.clone(), offsets: args.offset.clone() };
    let incident = fold.finish(&reading.hosts, &files, &known);
    if incident.hosts.is_empty() {
        return Err(CliError::Argument("nothing is told between --from and --to".to_owned()));
    }
    Ok((incident, reading))
}

fn not_understood(reading: &Reading) -> Vec<NotUnderstood> {
    let files = reading.names();
    let kinds = reading.not_understood.iter().map(|kind| NotUnderstood {
        kind: kind.words.clone(),
        count: kind.count,
        sample: kind.sample.clone(),
        place: Shown(kind.first, &files).to_string(),
    });
    kinds.collect()
}

/// What was taken where lines don't tell their year or day.
fn guesses(reading: &Reading) -> Vec<String> {
    let years: BTreeSet<i16> = reading.files.iter().filter_map(|file| file.year_taken).collect();
    let year = |year| {
        format!("the year: not every line tells it; default: {year}, by the time of the file (`--year` tells it)")
    };
    let day = "the day: lines tell none; default: an arbitrary one";
    let day = reading.files.iter().any(|file| file.day_taken).then(|| day.to_owned());
    years.into_iter().map(year).chain(day).collect()
}

/// What was read, beside the scenario: on stderr.
fn summary(args: &ReplayArgs, reading: &Reading, draft: &Draft, not_understood: &[NotUnderstood]) -> io::Result<()> {
    const MOST_KINDS: usize = 5;
    let err = &mut io::stderr();
    for file in &reading.files {
        for (line, flaw) in &file.problems {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            writeln!(err, "warning: {}{line}: {flaw}", file.name)?;
        }
    }
    let lines: u64 = reading.files.iter().map(|file| file.lines).sum();
    let events: u64 = reading.files.iter().map(|file| file.events).sum();
    writeln!(
        err,
        "{lines} lines in {} files, {events} events of {} hosts",
        reading.files.len(),
        draft.incident.hosts.len()
    )?;
    let counts: [(u64, &str); 5] = [
        (reading.files.iter().map(|file| file.cut).sum(), "cut off"),
        (reading.files.iter().map(|file| file.long).sum(), "longer than 64 KiB"),
        (reading.files.iter().map(|file| file.wrapped).sum(), "wrapped"),
        (reading.files.iter().map(|file| file.mojibake).sum(), "with signs of a wrong code page"),
        (reading.files.iter().map(|file| file.steps_back).sum(), "of which the clock stepped back"),
    ];
    for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
        writeln!(err, "{count} lines {what}")?;
    }
    for host in &draft.incident.hosts {
        let offset = host.offset;
        if offset.micros != 0 {
            let seconds = offset.micros as f64 / 1e6;
            let by = if offset.given { "given".to_owned() } else { format!("from {} pings and pongs", offset.pairs) };
            writeln!(err, "the clock of {} is {seconds:+.3} s off ({by})", host.name)?;
        }
    }
    for (name, times) in &draft.incident.left_out {
        writeln!(err, "{times} times {name}: left out for want of room")?;
    }
    let total: u64 = not_understood.iter().map(|kind| kind.count).sum();
    if total > 0 {
        writeln!(err, "{total} lines of {} kinds are not understood:", not_understood.len())?;
        let shown = if args.redact { 0 } else { MOST_KINDS };
        for NotUnderstood { kind, count, place, .. } in not_understood.iter().take(shown) {
            writeln!(err, "  {count} times, first at {place}: {kind}")?;
        }
    }
    Ok(())
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

/// What runs showed: printed, and as files.
fn tell(args: &ReplayArgs, report: &Report<'_>, yaml: &str, out: &mut impl Write) -> Result<(), CliError> {
    let dir = &args.out;
    fs::create_dir_all(dir).map_err(|error| CliError::Harness(format!("cannot write {}: {error}", dir.display())))?;
    let json = render::json(report).map_err(|error| CliError::Harness(error.to_string()))?;
    save(&dir.join("scenario.yaml"), yaml.as_bytes())?;
    save(&dir.join("report.html"), render::html(report).as_bytes())?;
    save(&dir.join("report.json"), json.as_bytes())?;
    match args.format {
        ReplayFormat::Json => writeln!(out, "{}", json.trim_end())?,
        ReplayFormat::Text => {
            let variables = ["LC_ALL", "LC_CTYPE", "LANG"].map(std::env::var_os);
            let [all, kind, lang] = &variables;
            let look = Look {
                width: std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(100),
                unicode: render::unicode([all.as_deref(), kind.as_deref(), lang.as_deref()]),
                colours: report::colours(io::stdout().is_terminal(), std::env::var_os("NO_COLOR").as_deref()),
            };
            out.write_all(render::terminal(report, look).as_bytes())?;
            writeln!(out, "page: {}", dir.join("report.html").display())?;
        }
    }
    Ok(())
}

fn keep(args: &ReplayArgs, name: &str, scenario: &Scenario, yaml: &str) -> Result<(), CliError> {
    if scenario.incident.is_none() {
        let reason = "nothing of what was wrong shows in a run of the nodes as they were: there is nothing to keep";
        return Err(CliError::Argument(format!(
            "{reason}\n`-o FILE` writes the scenario all the same, to be worked on"
        )));
    }
    let path = args.scenarios.join("regressions").join(format!("{name}.yaml"));
    if path.exists() {
        return Err(CliError::Argument(format!("{} is there already", path.display())));
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)
            .map_err(|error| CliError::Harness(format!("cannot write {}: {error}", dir.display())))?;
    }
    save(&path, yaml.as_bytes())?;
    writeln!(io::stderr(), "kept as {}: `cargo test -p harness` runs it from now on", path.display())?;
    Ok(())
}

fn arm_error(error: crate::run::arm::ArmError) -> CliError {
    use crate::run::arm::ArmError;
    match error {
        ArmError::Setting { .. } | ArmError::Mutant { .. } => CliError::Argument(error.to_string()),
        ArmError::Backend(_) => CliError::Harness(error.to_string()),
    }
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
