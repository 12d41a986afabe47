//! What `lockstep run` is told.
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use clap::{Args, ValueEnum};
use sha2::{Digest, Sha256};

use super::{CliError, Exit};
use crate::check::Verdict;
use crate::report::{self, Live, Look, RUN_PAGE, Renderer, Results, Shards, run_page};
use crate::run::container::{self, Engine};
use crate::run::privilege::{self, Ability};
use crate::run::stopwatch::Stopwatch;
use crate::run::{self, Backend, Detail, ProcessOptions, Program, ScenarioResult, Shard, folder, repeat_command};
use crate::scenario::{Scenario, find};

/// Run scenarios and judge them.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Scenario files, or folders of them.
    #[arg(value_name = "PATH", default_value = "scenarios")]
    pub paths: Vec<PathBuf>,
    /// Seed of the first run of each scenario.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seeds per scenario, from `--seed` upwards.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub seeds: u32,
    /// Only scenarios whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Only each N-th run from the I-th on, counted from 0: one machine of N runs 0/N, the next 1/N, and so on. `merge` joins what
    /// they print with `--format json`.
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// Scenarios at the same time. Default: one per core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Folder for the runs' folders.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Where scenarios run.
    #[arg(long, value_enum, default_value_t)]
    pub backend: On,
    /// The image that runs as a node, with `--backend container`; it takes the reference node's configuration. Default: the one that
    /// `lockstep image build` makes.
    #[arg(long, value_name = "NAME")]
    pub image: Option<String>,
    /// Instead of the scenarios' `time_scale`: processes run so many times as fast; 1 is real time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60))]
    pub time_scale: Option<u32>,
    /// What is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Backends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum On {
    /// The simulated network, in virtual time.
    #[default]
    Sim,
    /// The nodes' cores alone, under an event queue, in virtual time: hundreds of times as fast, without what lives in the runtime.
    Queue,
    /// Real processes, each in a network namespace of its own, in real time; on loopback addresses where there are none.
    Process,
    /// Containers of a Docker Engine on this machine, in real time.
    Container,
}

/// Forms of the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// JUnit's XML.
    Junit,
}

/// Where runs' folders go, unless told otherwise.
const OUT: &str = "lockstep-runs";

/// One run to do.
struct Job {
    scenario: Arc<Scenario>,
    path: String,
    seed: u64,
    backend: Backend,
}

/// Runs what was asked for, several at a time, and tells the results in the order of their names and seeds.
pub(super) fn run(args: &RunArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let started = Stopwatch::start();
    let jobs = jobs(args)?;
    let shard = args.shard.unwrap_or(Shard { index: 0, of: 1 });
    let shards = Shards::one(shard, jobs.len(), digest(&jobs));
    let jobs = shard.part(jobs);
    if let Some(Backend::Processes(ProcessOptions { ability: Ability::Loopback(why), .. })) =
        jobs.first().map(|job| &job.backend)
    {
        writeln!(std::io::stderr(), "processes run on loopback addresses, without faults of links: {why}")?;
    }
    let dir = args.out.clone().unwrap_or_else(|| PathBuf::from(OUT));
    let mut renderer = args.format.renderer(out, jobs.len());
    let live = Live::new(jobs.len());
    let (next, (done, results)) = (AtomicUsize::new(0), channel());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // Processes mostly wait.
    let default = if args.backend == On::Sim { cores } else { 2 * cores };
    let threads = args.jobs.map_or(default, usize::from).min(jobs.len());
    let mut told: Vec<Option<ScenarioResult>> = Vec::new();
    told.resize_with(jobs.len(), || None);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (done, jobs, next, dir, live) = (done.clone(), &jobs, &next, &dir, &live);
            scope.spawn(move || {
                let take = || {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    Some((i, jobs.get(i)?))
                };
                while let Some((i, job)) = take() {
                    // Nobody waits for results any more once one could not be told.
                    if done.send((i, job.run(dir, live))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(done);
        for (i, result) in results {
            let result = result?;
            live.ended();
            live.aside(|| renderer.ended(&result))?;
            told[i] = Some(result);
        }
        Ok::<(), CliError>(())
    })?;
    drop(live);
    let results = Results { shards, runs: told.into_iter().flatten().collect(), wall_time: started.elapsed() };
    renderer.finished(&results)?;
    Ok(exit(&results))
}

pub(super) fn exit(results: &Results) -> Exit {
    match Verdict::worst(results.runs.iter().map(|result| result.verdict)) {
        Verdict::Pass => Exit::Expected,
        Verdict::Fail => Exit::Failed,
        Verdict::Inconclusive | Verdict::Unsupported => Exit::Undecided,
    }
}

impl Format {
    /// What tells `total` results in this form.
    pub(super) fn renderer<'a>(self, out: &'a mut impl Write, total: usize) -> Box<dyn Renderer + 'a> {
        let format = match self {
            Self::Text => report::Format::Text,
            Self::Json => report::Format::Json,
            Self::Junit => report::Format::Junit,
        };
        report::renderer(format, Box::new(out), Look::of_stdout(), total)
    }
}

/// Of all that the jobs' results depend on but the program.
fn digest(jobs: &[Job]) -> String {
    let mut hash = Sha256::new();
    for Job { scenario, seed, backend, .. } in jobs {
        let job = (&scenario.name, seed, backend.to_string(), backend.time_scale(), &scenario.source);
        hash.update(format!("{job:?}"));
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn jobs(args: &RunArgs) -> Result<Vec<Job>, CliError> {
    let mut jobs = Vec::new();
    if args.image.is_some() && args.backend != On::Container {
        return Err(CliError::Argument("`--image` is for `--backend container`".to_owned()));
    }
    let processes = match args.backend {
        On::Sim | On::Queue => None,
        On::Process => Some((reference_node()?, privilege::ability())),
        On::Container => {
            let image = args.image.clone().unwrap_or_else(|| container::IMAGE.to_owned());
            Some((reference_node()?, Ability::Containers(containers(image)?)))
        }
    };
    for file in find(&args.paths)? {
        if args.filter.as_ref().is_some_and(|filter| !file.name().contains(filter.as_str())) {
            continue;
        }
        let scenario = Arc::new(Scenario::load(&file.path, &file.root)?);
        let path = file.path.display().to_string();
        let seeds = args.seed..args.seed.saturating_add(args.seeds.into());
        let backend = match &processes {
            None if args.backend == On::Queue => Backend::EventQueue(Detail::Full),
            None => Backend::simulation(),
            Some((node, ability)) => Backend::Processes(ProcessOptions {
                program: Program::Reference(node.clone()),
                time_scale: args.time_scale.unwrap_or(scenario.time_scale),
                ability: ability.clone(),
            }),
        };
        let job = |seed| Job { scenario: scenario.clone(), path: path.clone(), seed, backend: backend.clone() };
        jobs.extend(seeds.map(job));
    }
    if jobs.is_empty() {
        let which = args.filter.as_ref().map_or(String::new(), |filter| format!(" whose name contains `{filter}`"));
        return Err(CliError::Argument(format!("there is no scenario{which}")));
    }
    Ok(jobs)
}

/// Containers of `image`, on the engine of this machine.
pub(super) fn containers(image: String) -> Result<container::Options, CliError> {
    let engine = Arc::new(Engine::connect()?);
    engine.image(container::IMAGE)?;
    engine.image(&image)?;
    Ok(container::Options { engine, image, lockstep: std::env::current_exe()? })
}

/// The program that is built beside this one.
pub(super) fn reference_node() -> Result<PathBuf, CliError> {
    let me = std::env::current_exe()?;
    let node = me.with_file_name("reference-node");
    match node.is_file() {
        true => Ok(node),
        false => Err(CliError::Harness(format!("{} is missing: `cargo build -p harness` makes it", node.display()))),
    }
}

impl Job {
    fn run(&self, dir: &Path, live: &Live) -> Result<ScenarioResult, CliError> {
        let started = Stopwatch::start();
        let scenario = &self.scenario;
        let run = {
            let shown = live.begin(&format!("{} seed {}", scenario.name, self.seed), scenario.runs_for);
            let tell = |now| shown.at(now);
            catch_unwind(AssertUnwindSafe(|| run::run_telling(scenario, self.seed, &self.backend, &tell)))
        };
        let run = match run {
            Ok(run) => run.map_err(|error| CliError::Harness(format!("{}: {error}", scenario.name)))?,
            Err(_) => return Err(CliError::Harness(format!("{}: the harness panicked", scenario.name))),
        };
        let mut result = ScenarioResult {
            name: scenario.name.clone(),
            title: scenario.title.clone(),
            requirements: scenario.requirements.clone(),
            seed: self.seed,
            verdict: Verdict::Inconclusive,
            findings: Vec::new(),
            convergence: Vec::new(),
            backend: self.backend.to_string(),
            time_scale: self.backend.time_scale(),
            virtual_time: scenario.runs_for,
            wall_time: started.elapsed(),
            faults: run.history.faults().into_iter().map(|fault| fault.what).collect(),
            folder: Some(folder::place(dir, &scenario.name, self.seed)),
            repeat: self.repeat(),
        };
        result.judged(run.judged);
        let folder = folder::write(dir, &result, &scenario.source, &run.history)?;
        folder::add(&folder, RUN_PAGE, &run_page(&result, &run.history, &scenario.source)?)?;
        result.folder = Some(folder);
        Ok(result)
    }

    fn repeat(&self) -> String {
        let command = repeat_command(&self.path, self.seed);
        match &self.backend {
            // Scenarios run on what they start.
            Backend::Simulation(_) | Backend::Attached(_) => command,
            Backend::EventQueue(_) => format!("{command} --backend queue"),
            Backend::Processes(options) => {
                let (backend, image) = match &options.ability {
                    Ability::Containers(options) => ("container", format!(" --image {}", options.image)),
                    _ => ("process", String::new()),
                };
                format!("{command} --backend {backend}{image} --time-scale {}", options.time_scale)
            }
        }
    }
}
