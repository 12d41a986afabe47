//! `lockstep certify`: the catalogue against a node, and a statement about it.
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::{Timestamp, ZonedDateTime};

use super::{CliError, Exit};
use crate::certify::folder::{self, sha256};
use crate::certify::statement::{RunId, Statement, Status, SubjectId, SuiteId, Tried, VERSION, rows};
use crate::certify::{Judgement, Subject, Suite, Told, Trial, Waivers, lasts, render, run, sensitivity};
use crate::check::Channel;
use crate::history::{History, black_box};
use crate::report::{Live, Look, run_page};
use crate::run::privilege::{self, Ability};
use crate::run::stopwatch::Stopwatch;
use crate::run::{Backend, Profile, ScenarioResult};

/// Judge a node by the conformance catalogue.
#[derive(Debug, Args)]
pub(super) struct CertifyArgs {
    /// The reference node, simulated, in virtual time: the whole catalogue in seconds.
    #[arg(long, required_unless_present_any = ["exec", "image", "attach"])]
    reference: bool,
    /// A program, on real sockets and in real time: how it is started, in a shell's words without a shell. Needs a profile.
    #[arg(long, value_name = "CMD", requires = "profile", conflicts_with = "reference")]
    exec: Option<String>,
    /// An image, in containers and in real time; the engine has to be on this machine. Needs a profile, whose `image` says more.
    #[arg(long, value_name = "NAME", requires = "profile", conflicts_with_all = ["reference", "exec"])]
    image: Option<String>,
    /// A node that already runs, in real time, one case after the other in order of their heights. Needs a profile; what needs a restart is
    /// unsupported.
    #[arg(long, value_name = "HOST:PORT", requires = "profile", conflicts_with_all = ["reference", "exec", "image"])]
    attach: Option<String>,
    /// What is to be known of the node: `lockstep schema profile` tells the keys.
    #[arg(long, value_name = "FILE", conflicts_with = "reference")]
    profile: Option<PathBuf>,
    /// For development: a node whose profile has a place for it divides its intervals and timeouts by this. No verdict comes of it.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with_all = ["reference", "attach"], value_parser = clap::value_parser!(u32).range(1..=100))]
    time_scale: u32,
    /// Which cases: all, or only those of at most 60 s.
    #[arg(long, value_enum, default_value_t)]
    level: Level,
    /// Only trials whose name contains this: `MNS-SC`, `MNS-SC-01`, `MNS-SC-01, inbound`.
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,
    /// Known failures: a YAML list of `{id, reason, until}`. They count as expected until that day, and are told when they pass.
    #[arg(long, value_name = "FILE")]
    waivers: Option<PathBuf>,
    /// Seed of all trials.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Trials at the same time. Default: one per core, and 96 in real time, where they mostly wait.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Folder for the statement and its evidence.
    #[arg(long, value_name = "DIR", default_value = "lockstep-statement")]
    out: PathBuf,
    /// Folder of the cases.
    #[arg(long, value_name = "DIR", default_value = "fixtures/cases")]
    cases: PathBuf,
}

impl CertifyArgs {
    /// Whether it starts processes.
    pub fn is_real(&self) -> bool {
        self.exec.is_some() || self.attach.is_some()
    }

    /// The words that name the node.
    fn whom(&self) -> String {
        let Some(profile) = &self.profile else { return "--reference".to_owned() };
        let profile = word(&profile.display().to_string());
        let named = [("exec", &self.exec), ("image", &self.image), ("attach", &self.attach)];
        let (option, name) = named.iter().find_map(|(option, name)| Some((option, name.as_ref()?))).unzip();
        let (option, name) = (option.copied().unwrap_or_default(), name.map_or("", String::as_str));
        let scale = match self.time_scale {
            1 => String::new(),
            scale => format!(" --time-scale {scale}"),
        };
        format!("--{option} {} --profile {profile}{scale}", word(name))
    }
}

/// Which cases are tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Level {
    /// All.
    #[default]
    Full,
    /// Those that take at most 60 s after their set-up.
    Quick,
}

/// Trials at the same time in real time. In containers each has three.
const IN_REAL_TIME: usize = 96;

/// A case above this is not quick.
const QUICK: Duration = Duration::from_secs(60);

pub(super) fn certify(args: &CertifyArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let started = Stopwatch::start();
    let began = Timestamp::now();
    let suite = Suite::load(&args.cases)?;
    let waivers = match &args.waivers {
        Some(path) => Waivers::load(path, ZonedDateTime::now().date())?,
        None => Waivers::default(),
    };
    let (subject, id) = subject(args)?;
    let trials = trials(args, &suite, &subject)?;
    let look = Look::of_stdout();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = match subject.backend {
        Backend::Simulation(_) | Backend::EventQueue(_) => args.jobs.map_or(cores, usize::from),
        Backend::Processes(_) => args.jobs.map_or(IN_REAL_TIME, usize::from),
        Backend::Attached(_) => 1,
    };
    let live = Live::new(trials.len());
    if let Some(lasts) = lasts(&trials, &subject, jobs) {
        live.say(&format!("of some {}", humantime::format_duration(Duration::from_secs(lasts.as_secs()))));
    }
    let mut told = Vec::new();
    let mut failed = None;
    run(&trials, &subject, args.seed, jobs, |i, result| {
        let tried = tried(args, &trials[i], &subject, result).and_then(|(tried, unseen)| {
            live.ended();
            let line = render::ended(&tried, told.len() + 1, trials.len(), look);
            live.aside(|| writeln!(out, "{line}").and_then(|()| out.flush()))?;
            Ok((tried, unseen))
        });
        match tried {
            Ok((tried, unseen)) => told.push((i, tried, unseen)),
            Err(error) => failed = Some(error),
        }
        failed.is_none()
    });
    drop(live);
    if let Some(error) = failed {
        return Err(error);
    }
    // They end in any order.
    told.sort_by_key(|(i, ..)| *i);
    let mut by_row: BTreeMap<String, (Vec<Tried>, BTreeSet<Channel>)> = BTreeMap::new();
    for (i, tried, unseen) in told {
        let (row, not_observed) = by_row.entry(trials[i].case.requirements[0].clone()).or_default();
        row.push(tried);
        not_observed.extend(unseen);
    }
    let mut statement = Statement {
        lockstep_statement: VERSION,
        suite: SuiteId {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            digest: suite.digest.clone(),
            filter: args.case.clone(),
            quick: args.level == Level::Quick,
            sensitivity: sensitivity().to_owned(),
        },
        subject: id,
        run: RunId {
            backend: subject.backend.to_string(),
            seed: args.seed,
            time_scale: subject.backend.time_scale(),
            setup_ms: millis(subject.setup),
            began: began.to_string(),
            took_ms: millis(started.elapsed()),
            machine: format!("{} {}, {cores} cores", std::env::consts::OS, std::env::consts::ARCH),
        },
        rows: rows(by_row, &waivers),
        seal: String::new(),
    };
    statement.seal = statement.sealed();
    folder::write(&args.out, &statement)?;
    write!(out, "{}", render::terminal(&statement, look))?;
    writeln!(out, "statement: {}", args.out.join("statement.html").display())?;
    Ok(exit(statement.worst()))
}

/// What is certified, and what statements say of it.
fn subject(args: &CertifyArgs) -> Result<(Subject, SubjectId), CliError> {
    let digest = |path: &Path| std::fs::read(path).ok().map(|program| sha256(&program));
    if let (Some(at), Some(profile)) = (&args.attach, &args.profile) {
        return attached(at, Profile::load(profile)?);
    }
    if let (Some(image), Some(profile)) = (&args.image, &args.profile) {
        return contained(image, Profile::load(profile)?, args.time_scale);
    }
    let (Some(exec), Some(profile)) = (&args.exec, &args.profile) else {
        let subject = Subject::simulated(Backend::simulation());
        let id = SubjectId {
            name: "reference node".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            digest: std::env::current_exe().ok().and_then(|program| digest(&program)),
            profile: None,
            observed: subject.observed.clone(),
            ledger: subject.ledger.clone(),
        };
        return Ok((subject, id));
    };
    let mut words = shlex::split(exec).filter(|words| !words.is_empty()).ok_or_else(|| {
        CliError::Argument(format!("`{exec}` is no command: quotes are closed, and there is at least one word"))
    })?;
    // It is started in a folder of its own.
    let program = PathBuf::from(&words[0]);
    if program.components().count() > 1 {
        let found = program
            .canonicalize()
            .map_err(|error| CliError::Harness(format!("cannot start {}: {error}", program.display())))?;
        words[0] = found.display().to_string();
    }
    let profile = Profile::load(profile)?;
    let ability = privilege::ability();
    if let Ability::Loopback(why) = &ability {
        writeln!(std::io::stderr(), "processes run on loopback addresses, without faults of links: {why}")?;
    }
    let (name, version) = (profile.name.clone(), profile.version.clone().unwrap_or("(no version told)".to_owned()));
    let (own, by) = (digest(Path::new(&words[0])), sha256(profile.source.as_bytes()));
    let subject = Subject::program(words, Arc::new(profile), ability, args.time_scale);
    let (observed, ledger) = (subject.observed.clone(), subject.ledger.clone());
    Ok((subject, SubjectId { name, version, digest: own, profile: Some(by), observed, ledger }))
}

/// An image: its id is the digest of all that is in it.
fn contained(image: &str, profile: Profile, time_scale: u32) -> Result<(Subject, SubjectId), CliError> {
    let options = super::run::containers(image.to_owned())?;
    let id = options.engine.image(image)?.id;
    let (name, version) = (profile.name.clone(), profile.version.clone().unwrap_or("(no version told)".to_owned()));
    let (words, by) = (profile.image.command.clone(), sha256(profile.source.as_bytes()));
    let subject = Subject::program(words, Arc::new(profile), Ability::Containers(options), time_scale);
    let (observed, ledger) = (subject.observed.clone(), subject.ledger.clone());
    let digest = id.map(|id| id.trim_start_matches("sha256:").to_owned());
    Ok((subject, SubjectId { name, version, digest, profile: Some(by), observed, ledger }))
}

/// A node that already runs: nobody has its program.
fn attached(at: &str, profile: Profile) -> Result<(Subject, SubjectId), CliError> {
    let wrong = |why: String| CliError::Argument(format!("`--attach {at}`: {why}"));
    let mut found = at.to_socket_addrs().map_err(|error| wrong(error.to_string()))?;
    let v4 = found.find_map(|at| match at {
        SocketAddr::V4(at) => Some(at),
        SocketAddr::V6(_) => None,
    });
    let at = v4.ok_or_else(|| wrong("no IPv4 address".to_owned()))?;
    let (name, version) = (profile.name.clone(), profile.version.clone().unwrap_or("(no version told)".to_owned()));
    let profile_digest = Some(sha256(profile.source.as_bytes()));
    let subject = Subject::attached(at, Arc::new(profile));
    let (observed, ledger) = (subject.observed.clone(), subject.ledger.clone());
    Ok((subject, SubjectId { name, version, digest: None, profile: profile_digest, observed, ledger }))
}

/// What is tried; in real time the longest first, but where one node meets them all, in order of heights: it can't be lowered.
fn trials(args: &CertifyArgs, suite: &Suite, subject: &Subject) -> Result<Vec<Trial>, CliError> {
    let wanted = |trial: &Trial| {
        let quick = args.level == Level::Full || trial.case.runs_for <= QUICK;
        quick && args.case.as_ref().is_none_or(|text| trial.to_string().contains(text.as_str()))
    };
    let mut trials: Vec<Trial> = suite.trials(subject.is_simulated()).into_iter().filter(wanted).collect();
    match subject.backend {
        Backend::Simulation(_) | Backend::EventQueue(_) => {}
        Backend::Processes(_) => trials.sort_by_key(|trial| std::cmp::Reverse(trial.case.runs_for)),
        Backend::Attached(_) => trials.sort_by_key(|trial| trial.case.heights()),
    }
    if trials.is_empty() {
        let which = args.case.as_ref().map_or(String::new(), |text| format!(" whose name contains `{text}`"));
        return Err(CliError::Argument(format!("there is no case{which}")));
    }
    Ok(trials)
}

/// A trial for the statement, with its evidence written.
fn tried(
    args: &CertifyArgs,
    trial: &Trial,
    subject: &Subject,
    told: Told,
) -> Result<(Tried, BTreeSet<Channel>), CliError> {
    let repeat = format!("lockstep certify {} --case '{trial}' --seed {}", args.whom(), args.seed);
    Ok(match told {
        Ok((history, judgement)) => {
            let (_, during) = black_box(&history, subject.setup);
            let mut tried = Tried::new(trial, &judgement, &during, repeat);
            // What was not tried has shown nothing that could be judged again.
            if !history.observations().is_empty() {
                tried.evidence = Some(folder::evidence(&args.out, &trial.to_string(), &history)?);
                if let Some(page) = tried.page() {
                    let result = result(trial, &judgement, subject, args.seed, &during, &tried.repeat);
                    folder::page(&args.out, &page, &run_page(&result, &during, &trial.case.source)?)?;
                }
            }
            (tried, judgement.not_observed)
        }
        Err(why) => (Tried::broken(trial, why, repeat), BTreeSet::new()),
    })
}

/// A trial as the run that it was: its page is as any run's.
fn result(
    trial: &Trial,
    judgement: &Judgement,
    subject: &Subject,
    seed: u64,
    during: &History,
    repeat: &str,
) -> ScenarioResult {
    let case = &trial.case;
    ScenarioResult {
        name: trial.to_string(),
        title: case.title.clone(),
        requirements: case.requirements.clone(),
        seed,
        verdict: judgement.verdict,
        findings: judgement.findings.iter().map(|(_, finding)| finding.clone()).collect(),
        convergence: Vec::new(),
        backend: subject.backend.to_string(),
        time_scale: subject.backend.time_scale(),
        virtual_time: case.runs_for,
        // Nobody measures it for one trial.
        wall_time: Duration::ZERO,
        faults: during.faults().into_iter().map(|fault| fault.what).collect(),
        folder: None,
        repeat: repeat.to_owned(),
    }
}

/// The exit code of a statement whose worst row is this.
pub(super) fn exit(worst: Status) -> Exit {
    match worst {
        Status::Pass | Status::ExpectedFail | Status::NotTried => Exit::Expected,
        Status::Unsupported | Status::Inconclusive => Exit::Undecided,
        Status::Fail | Status::UnexpectedPass => Exit::Failed,
        Status::HarnessError => Exit::Environment,
    }
}

/// Quoted for a shell where it needs to be.
fn word(text: &str) -> String {
    shlex::try_quote(text).map_or_else(|_| format!("{text:?}"), |quoted| quoted.into_owned())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
