//! `lockstep export`.
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{CliError, Exit};
use crate::export::{HARNESS_IMAGE, KubernetesOptions, NODE_IMAGE, Sharing, compose, kubernetes};
use crate::scenario::{Scenario, find};

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(subcommand)]
    engine: Engine,
}

/// For which engine.
#[derive(Debug, Subcommand)]
enum Engine {
    /// A compose file with the nodes on fixed addresses, and a script with pauses and kills.
    Compose(Common),
    /// Nodes, Chaos Mesh's experiments with a Workflow, and a Job that runs shards of many seeds.
    Kubernetes(Kubernetes),
}

#[derive(Debug, Args)]
struct Common {
    /// The scenario's file.
    #[arg(value_name = "SCENARIO")]
    path: PathBuf,
    /// The seed that draws who is in a minority.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the files; what is there is replaced.
    #[arg(long, value_name = "DIR", default_value = "lockstep-export")]
    out: PathBuf,
    /// The reference node's image.
    #[arg(long, value_name = "NAME", default_value = NODE_IMAGE)]
    image: String,
    /// Ends with 2 where something of the scenario is left out.
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Args)]
struct Kubernetes {
    #[command(flatten)]
    common: Common,
    /// The image of the Job, with this program as /lockstep.
    #[arg(long, value_name = "NAME", default_value = HARNESS_IMAGE)]
    harness_image: String,
    /// Seeds of the Job, from `--seed` upwards.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    seeds: u32,
    /// Pods of the Job, each with a shard of the seeds; no more than seeds.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    shards: u32,
}

/// Writes the files, and tells what they leave out.
pub(super) fn export(args: &ExportArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let (Engine::Compose(common) | Engine::Kubernetes(Kubernetes { common, .. })) = &args.engine;
    let files = find(std::slice::from_ref(&common.path))?;
    let [file] = files.as_slice() else {
        return Err(CliError::Argument(format!("{}: export one scenario", common.path.display())));
    };
    let scenario = Scenario::load(&file.path, &file.root)?;
    let artefacts = match &args.engine {
        Engine::Compose(_) => compose(&scenario, common.seed, &common.image),
        Engine::Kubernetes(args) => {
            let sharing = Sharing { seed: common.seed, seeds: args.seeds, shards: args.shards.min(args.seeds) };
            let (image, harness_image) = (common.image.clone(), args.harness_image.clone());
            kubernetes(&scenario, &KubernetesOptions { image, harness_image, sharing })
        }
    }?;
    artefacts.write(&common.out)?;
    write!(out, "{}", artefacts.head())?;
    writeln!(out, "\nWritten to {}:", common.out.display())?;
    for path in artefacts.files.keys() {
        writeln!(out, "  {path}")?;
    }
    let complete = artefacts.left_out.is_empty() || !common.strict;
    Ok(if complete { Exit::Expected } else { Exit::Undecided })
}
