//! `lockstep schema`.
use std::io::Write;

use super::CliError;
use crate::scenario::file::ScenarioFile;

pub(super) fn schema(out: &mut dyn Write) -> Result<(), CliError> {
    let schema = schemars::schema_for!(ScenarioFile);
    writeln!(out, "{:#}", schema.as_value())?;
    Ok(())
}
