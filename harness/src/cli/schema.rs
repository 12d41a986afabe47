//! `lockstep schema`.
use std::io::Write;

use clap::{Args, ValueEnum};
use schemars::schema_for;

use super::CliError;
use crate::certify::{Statement, Waiver};
use crate::run::ProfileFile;
use crate::scenario::file::ScenarioFile;

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of which kind of file.
    #[arg(value_enum, default_value_t)]
    of: Kind,
}

/// Kinds of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Scenarios, and cases of the catalogue.
    #[default]
    Scenario,
    /// What is known of somebody's node.
    Profile,
    /// Known failures.
    Waivers,
    /// What `certify` writes.
    Statement,
}

pub(super) fn schema(args: &SchemaArgs, out: &mut dyn Write) -> Result<(), CliError> {
    let schema = match args.of {
        Kind::Scenario => schema_for!(ScenarioFile),
        Kind::Profile => schema_for!(ProfileFile),
        Kind::Waivers => schema_for!(Vec<Waiver>),
        Kind::Statement => schema_for!(Statement),
    };
    writeln!(out, "{:#}", schema.as_value())?;
    Ok(())
}
