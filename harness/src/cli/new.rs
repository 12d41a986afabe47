//! `lockstep new`: a first scenario, with comments, from a few flags.
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::schema::Kind;
use super::{CliError, Exit};
use crate::run::{repeat_command, shell_word};
use crate::scenario::Scenario;

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The file; one that is there already is left alone.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The behaviour in one line.
    #[arg(long, value_name = "TEXT", default_value = "A node catches up with its masternodes")]
    title: String,
    /// Masternodes beside the node under test.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=49))]
    masternodes: u8,
    /// Blocks that the node under test lacks.
    #[arg(long, value_name = "BLOCKS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(0..=1_000))]
    behind: u64,
    /// The node under test is on a fork of its own, so many blocks deep.
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    fork: Option<u64>,
    /// What happens to it meanwhile, one after the other.
    #[arg(long, value_enum)]
    fault: Vec<Fault>,
}

/// Faults of a first scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// It is cut off from all masternodes.
    Cut,
    /// Half of all packets is lost.
    Loss,
    /// It stands still.
    Pause,
    /// Its process is killed, and starts again.
    Kill,
    /// Its machine loses power, and starts again.
    PowerLoss,
}

impl Fault {
    fn step(self) -> &'static str {
        match self {
            Self::Cut => "cut: {between: [a], and: [m], for: 20s}",
            Self::Loss => "link: {between: [a], and: [m], is: {loss: 50%}, for: 20s}",
            Self::Pause => "pause: {who: [a], for: 20s}",
            Self::Kill => "kill: {who: [a], for: 5s}",
            Self::PowerLoss => "power_loss: {who: [a], for: 5s}",
        }
    }
}

/// The height of the masternodes.
const HEIGHT: u64 = 1_100;
/// Seconds until the first fault, which then is in force when pings are due, and from one to the next.
const FIRST: usize = 25;
const APART: usize = 30;
/// Seconds after the last fault within which all must agree: two looks of the coordinator, and the fetching.
const AGREE: usize = 120;

/// Writes the scenario.
pub(super) fn new(args: &NewArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let name = args.file.file_stem().unwrap_or_default().to_string_lossy();
    let text = text(args);
    Scenario::parse(&name, &text).map_err(|error| CliError::Harness(format!("what was written is wrong: {error}")))?;
    if let Some(dir) = args.file.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).open(&args.file);
    let mut file = file.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CliError::Argument(format!("{} is there already", args.file.display())),
        _ => CliError::Write(error),
    })?;
    file.write_all(text.as_bytes())?;
    // Editors complete and check by it.
    std::fs::write(args.file.with_file_name(Kind::Scenario.file()), Kind::Scenario.text())?;
    let path = args.file.display().to_string();
    writeln!(out, "{path}\nrun it:              {}", repeat_command(&path, 1))?;
    writeln!(out, "again at each change: lockstep watch {}", shell_word(&path))?;
    Ok(Exit::Expected)
}

fn text(args: &NewArgs) -> String {
    let title = serde_json::Value::from(args.title.as_str());
    let healed = if args.fault.is_empty() { 0 } else { FIRST + APART * args.fault.len() };
    let (place, fork) = match args.fork {
        Some(deep) => ("mine", Some(HEIGHT - deep)),
        None => ("main", None),
    };
    let own = HEIGHT - args.behind.min(args.fork.map_or(args.behind, |deep| deep.saturating_sub(1)));
    let mut text = format!(
        "# yaml-language-server: $schema={}\ntitle: {title}\nwhy: >\n  What goes wrong for whom without it, and where its numbers come from.\n\
         requirements: []                 # ids that `lockstep explain` knows, like MNS-SC-01\nruns_for: {}s\n\n",
        Kind::Scenario.file(),
        healed + AGREE + APART
    );
    if let Some(height) = fork {
        let _ =
            writeln!(text, "chains:\n  mine: {{fork_of: main@{height}}}        # blocks above {height} are others\n");
    }
    let _ = write!(
        text,
        "nodes:                           # reference nodes; `peers:` beside it are scripted, and may lie\n  \
         a: {{chain: {place}@{own}, whitelists: [m]}}\n  \
         m: {{count: {}, chain: main@{HEIGHT}, masternode: true, whitelists: [m]}}\n",
        args.masternodes
    );
    if !args.fault.is_empty() {
        text += "\ntimeline:                        # each fault ends by itself, and must have bitten\n";
    }
    for (number, fault) in args.fault.iter().enumerate() {
        let _ = writeln!(text, "  - {{at: {}s, do: {{{}}}}}", FIRST + APART * number, fault.step());
    }
    let _ = write!(
        text,
        "\nexpect:\n  # From the last fault's end on; with `after: 0s`, from the start.\n  \
         - converge: {{who: [nodes], on: tips, within: {AGREE}s}}\n  \
         - tip: {{who: [a], is: main@{HEIGHT}, by: {}s}}\n  \
         # Lines of its log by their names: `grep '\"event\"' history.jsonl` shows which there are.\n  \
         - never: {{see: {{on: a, log: banned}}}}\n",
        healed + AGREE
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;
    use crate::run::{Backend, run};

    /// All faults at once, and each fork, are scenarios that pass.
    #[test]
    fn what_is_written_passes() {
        let all = vec![Fault::Cut, Fault::Loss, Fault::Pause, Fault::Kill, Fault::PowerLoss];
        for (behind, fork, fault) in [(100, None, all), (0, None, vec![]), (100, Some(15), vec![Fault::Kill])] {
            let title = "it's: \"so\"".to_owned();
            let args = NewArgs { file: "x.yaml".into(), title: title.clone(), masternodes: 2, behind, fork, fault };
            let text = text(&args);
            let scenario = Scenario::parse("x", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(scenario.title, title);
            let run = run(&scenario, 1, &Backend::simulation()).unwrap();
            assert_eq!(run.judged.verdict, Verdict::Pass, "{text}{:#?}", run.judged.findings);
        }
    }
}
