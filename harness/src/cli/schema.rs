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
pub(super) enum Kind {
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

/// The version of all of them: a file that an older one allows stays allowed within it.
const VERSION: u32 = 1;

impl Kind {
    /// The schema.
    pub(super) fn text(self) -> String {
        let schema = match self {
            Self::Scenario => schema_for!(ScenarioFile),
            Self::Profile => schema_for!(ProfileFile),
            Self::Waivers => schema_for!(Vec<Waiver>),
            Self::Statement => schema_for!(Statement),
        };
        format!("{:#}\n", schema.as_value())
    }

    /// The name of its file.
    pub(super) fn file(self) -> String {
        let name = self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        format!("{name}-{VERSION}.schema.json")
    }
}

pub(super) fn schema(args: &SchemaArgs, out: &mut dyn Write) -> Result<(), CliError> {
    Ok(out.write_all(args.of.text().as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Editors read them from there. `LOCKSTEP_UPDATE=1` writes them.
    #[test]
    fn the_shipped_schemas_are_those_of_the_code() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas");
        for kind in Kind::value_variants() {
            let path = dir.join(kind.file());
            if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
                std::fs::create_dir_all(&dir).unwrap();
                std::fs::write(&path, kind.text()).unwrap();
            }
            let shipped = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(shipped == kind.text(), "{} is not what `lockstep schema` prints", path.display());
        }
    }
}
