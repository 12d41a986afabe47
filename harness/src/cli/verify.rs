//! `lockstep verify` and `lockstep compare`: statements without the node.
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit};
use crate::certify::statement::{Row, Statement, Status};
use crate::certify::{Suite, folder, verify as judge_again};

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// A statement: its folder, or the `statement.json` in it.
    #[arg(value_name = "STATEMENT")]
    statement: PathBuf,
    /// Folder of the cases.
    #[arg(long, value_name = "DIR", default_value = "fixtures/cases")]
    cases: PathBuf,
}

/// Judges a statement's evidence again.
pub(super) fn verify(args: &VerifyArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let statement = folder::read(&args.statement)?;
    let suite = Suite::load(&args.cases)?;
    if suite.digest != statement.suite.digest {
        return Err(CliError::Argument(format!(
            "the statement is by the suite {}, and {} holds {}: take the cases of Lockstep {}",
            statement.suite.digest,
            args.cases.display(),
            suite.digest,
            statement.suite.version
        )));
    }
    let here = if args.statement.is_dir() { Some(args.statement.as_path()) } else { args.statement.parent() };
    let verified = judge_again(&statement, here.unwrap_or(std::path::Path::new("")), &suite)?;
    for difference in &verified.differences {
        writeln!(out, "{difference}")?;
    }
    let of = format!("{} {} of {}", statement.subject.name, statement.subject.version, statement.run.began);
    let without = match verified.without {
        0 => String::new(),
        without => format!(", {without} without evidence"),
    };
    if verified.differences.is_empty() {
        writeln!(out, "{of}: the evidence of {} trials says the same as the statement{without}", verified.judged)?;
        return Ok(Exit::Expected);
    }
    writeln!(
        out,
        "{of}: the statement does not follow from its evidence ({} trials judged{without})",
        verified.judged
    )?;
    Ok(Exit::Failed)
}

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The one statement.
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The other.
    #[arg(value_name = "B")]
    b: PathBuf,
}

/// Two statements side by side: exit code 1 where the second is worse anywhere.
pub(super) fn compare(args: &CompareArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let (a, b) = (folder::read(&args.a)?, folder::read(&args.b)?);
    let title = |statement: &Statement| format!("{} {}", statement.subject.name, statement.subject.version);
    writeln!(out, "A: {}, {}\nB: {}, {}", title(&a), a.run.began, title(&b), b.run.began)?;
    if a.suite.digest != b.suite.digest {
        writeln!(out, "by different suites: {} and {}", a.suite.digest, b.suite.digest)?;
    }
    let (mut same, mut worse, mut better) = (0, 0, 0);
    for row in &a.rows {
        let Some(other) = b.rows.iter().find(|other| other.id == row.id) else { continue };
        if row.status == other.status {
            same += 1;
            continue;
        }
        let how = match other.status.max(row.status) == other.status {
            true => &mut worse,
            false => &mut better,
        };
        *how += 1;
        writeln!(out, "{} {:<6} {:<15} {:<15} {}", row.id, row.level, row.status, other.status, row.requirement)?;
        for tried in differing(row, other) {
            writeln!(out, "    {tried}")?;
        }
    }
    writeln!(out, "{same} the same, {better} better in B, {worse} worse in B")?;
    Ok(if worse > 0 { Exit::Failed } else { Exit::Expected })
}

/// Trials of a row with another status in the other statement.
fn differing(a: &Row, b: &Row) -> Vec<String> {
    let other = |name: &str| b.trials.iter().find(|tried| tried.name() == name).map(|tried| tried.status);
    let differs = |tried: &&crate::certify::statement::Tried| other(&tried.name()) != Some(tried.status);
    let line = |tried: &crate::certify::statement::Tried| {
        let there = other(&tried.name()).unwrap_or(Status::NotTried);
        format!("{}: {} / {there}", tried.name(), tried.status)
    };
    a.trials.iter().filter(differs).map(line).collect()
}
