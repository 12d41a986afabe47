//! The `lockstep` command.
mod certify;
mod clean;
mod completions;
mod doctor;
mod exit;
mod explain;
mod explore;
mod export;
mod image;
mod list;
mod merge;
mod new;
mod ntp;
mod replay;
mod report;
mod run;
mod schema;
mod shrink;
mod verify;
mod watch;

use std::io::{self, ErrorKind, Write};

use clap::{CommandFactory, Parser};
use thiserror::Error;

pub use exit::Exit;
pub use run::{Format, RunArgs};

use crate::certify::{CaseError, StatementError};
use crate::explore::results::ResultsError;
use crate::explore::shrink::keep::KeepError;
use crate::export::ExportError;
use crate::replay::read::ReadError;
use crate::report::{MergeError, PageError};
use crate::run::arm::ArmError;
use crate::run::container::EngineError;
use crate::run::folder::{FolderError, ReadError as RunError};
use crate::run::privilege;
use crate::scenario::LoadError;

/// Runs masternodes in a simulated network, as processes or in containers, hurts them, and judges what was seen.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version)]
enum Cli {
    /// Run scenarios in the simulated network, as processes or in containers, and judge them.
    Run(run::RunArgs),
    /// Run scenarios, and each again when its file is saved.
    Watch(watch::WatchArgs),
    /// Write a first scenario, with comments, to go on from.
    New(new::NewArgs),
    /// Write the page of a run again, from its folder.
    Report(report::ReportArgs),
    /// Join the results of several machines' shards into one report.
    Merge(merge::MergeArgs),
    /// Write a scenario as files for container engines.
    Export(export::ExportArgs),
    /// Draw scenarios from seeds and play each under an event queue, until something fails.
    Explore(Box<explore::ExploreArgs>),
    /// Turn an incident's logs into a scenario, run it, and tell how much of the incident it shows.
    Replay(Box<replay::ReplayArgs>),
    /// Make a failing scenario small: the least that still fails in the same way.
    Shrink(shrink::ShrinkArgs),
    /// Judge a node by the conformance catalogue, and write a statement about it.
    Certify(certify::CertifyArgs),
    /// Judge a statement's evidence again, without the node.
    Verify(verify::VerifyArgs),
    /// Set two statements side by side, requirement by requirement.
    Compare(verify::CompareArgs),
    /// Tell what this machine can do, what each missing thing costs, and how to get it.
    Doctor,
    /// List scenarios with their requirements.
    List(list::ListArgs),
    /// Tell what a scenario does, or what a requirement demands and which scenarios show it.
    Explain(explain::ExplainArgs),
    /// Print the JSON Schema of scenario files, profiles, waivers or statements.
    Schema(schema::SchemaArgs),
    /// Make the images of the reference node and of the harness.
    Image(image::ImageArgs),
    /// Remove containers and volumes that runs left behind when they were killed.
    Clean(clean::CleanArgs),
    /// Print completions for a shell.
    Completions(completions::CompletionsArgs),
    /// Tell the time to nodes that ask a server for it: a helper for profiles.
    Ntp(ntp::NtpArgs),
}

/// Why a command could not do its work.
#[derive(Debug, Error)]
enum CliError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("{0}")]
    Argument(String),
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Case(#[from] CaseError),
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Results(#[from] ResultsError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Page(#[from] PageError),
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error("{0}")]
    Harness(String),
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
}

impl CliError {
    fn exit(&self) -> Exit {
        match self {
            Self::Load(LoadError::Wrong(_))
            | Self::Argument(_)
            | Self::Case(CaseError::Load(LoadError::Wrong(_)) | CaseError::NoCase { .. } | CaseError::Empty { .. }) => {
                Exit::Content
            }
            Self::Case(CaseError::Load(LoadError::Unreadable { .. })) => Exit::Environment,
            Self::Log(error) if error.is_environment() => Exit::Environment,
            Self::Log(_) => Exit::Content,
            Self::Load(LoadError::Unreadable { .. }) => Exit::Environment,
            // Whoever reads has had enough: `lockstep schema | head`.
            Self::Write(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Expected,
            Self::Statement(StatementError::Content { .. }) => Exit::Content,
            Self::Statement(StatementError::Io { .. }) | Self::Merge(MergeError::Unreadable { .. }) => {
                Exit::Environment
            }
            Self::Merge(_) | Self::Export(ExportError::Scenario(_)) | Self::Run(RunError::Content { .. }) => {
                Exit::Content
            }
            Self::Export(ExportError::Write { .. })
            | Self::Results(ResultsError::Io { .. })
            | Self::Keep(KeepError::Write { .. }) => Exit::Environment,
            Self::Results(_) | Self::Keep(KeepError::There(_)) => Exit::Content,
            Self::Write(_) | Self::Engine(_) | Self::Folder(_) | Self::Run(_) | Self::Page(_) | Self::Harness(_) => {
                Exit::Environment
            }
        }
    }
}

/// Does what the command line says.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be said where even this cannot be printed.
            let _ = error.print();
            return if error.use_stderr() { Exit::Content } else { Exit::Expected };
        }
    };
    let processes = match &cli {
        Cli::Run(args) => args.backend == run::On::Process,
        Cli::Watch(args) => args.is_real(),
        Cli::Certify(args) => args.is_real(),
        Cli::Doctor => true,
        _ => false,
    };
    if processes {
        // While there is no other thread.
        if let Err(error) = privilege::enter_user_namespace_if_needed() {
            complain(&CliError::Harness(error.to_string()));
            return Exit::Environment;
        }
    }
    let out = &mut io::stdout().lock();
    let done = match &cli {
        Cli::Run(args) => run::run(args, out),
        Cli::Watch(args) => watch::watch(args, out),
        Cli::New(args) => new::new(args, out),
        Cli::Report(args) => report::report(args, out),
        Cli::Merge(args) => merge::merge(args, out),
        Cli::Export(args) => export::export(args, out),
        Cli::Explore(args) => explore::explore(args, out),
        Cli::Replay(args) => replay::replay(args, out),
        Cli::Shrink(args) => shrink::shrink(args, out),
        Cli::Certify(args) => certify::certify(args, out),
        Cli::Verify(args) => verify::verify(args, out),
        Cli::Compare(args) => verify::compare(args, out),
        Cli::Doctor => doctor::doctor(out),
        Cli::Completions(args) => completions::completions(args, &mut Cli::command(), out),
        Cli::List(args) => list::list(args, out),
        Cli::Explain(args) => explain::explain(args, out),
        Cli::Image(args) => image::image(args, out),
        Cli::Clean(args) => clean::clean(args, out),
        Cli::Ntp(args) => ntp::ntp(args, out),
        Cli::Schema(args) => schema::schema(args, out).map(|()| Exit::Expected),
    };
    done.unwrap_or_else(|error| {
        if error.exit() != Exit::Expected {
            complain(&error);
        }
        error.exit()
    })
}

fn arm_error(error: ArmError) -> CliError {
    match error {
        ArmError::Setting { .. } | ArmError::Mutant { .. } => CliError::Argument(error.to_string()),
        ArmError::Backend(_) => CliError::Harness(error.to_string()),
    }
}

fn complain(error: &CliError) {
    let text = error.to_string();
    // Mistakes in files are rendered with this word already.
    let prefix = if text.starts_with("error") { "" } else { "error: " };
    let _ = writeln!(io::stderr(), "{prefix}{text}");
}
