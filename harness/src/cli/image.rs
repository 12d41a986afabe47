//! `lockstep image`: the reference node and the harness as images.
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Subcommand};

use super::{CliError, Exit};
use crate::run::container::{Engine, Plan, build};

/// The images that the project makes.
#[derive(Debug, Args)]
pub(super) struct ImageArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Build `lockstep/masternode:dev` of static programs, without a registry: nothing is pulled.
    Build(BuildArgs),
}

#[derive(Debug, Args)]
struct BuildArgs {
    /// The node's program, linked statically. Default: `static/masternode` beside this program, or built by cargo in a checkout.
    #[arg(long, value_name = "FILE", requires = "agent")]
    node: Option<PathBuf>,
    /// The agent's program, likewise.
    #[arg(long, value_name = "FILE", requires = "node")]
    agent: Option<PathBuf>,
    /// Build `lockstep/harness:dev` instead, which `lockstep export kubernetes` runs shards with.
    #[arg(long, conflicts_with = "node")]
    harness: bool,
    /// Lockstep's own program for it, linked statically, likewise.
    #[arg(long, value_name = "FILE", requires = "harness")]
    lockstep: Option<PathBuf>,
}

pub(super) fn image(args: &ImageArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let What::Build(args) = &args.what;
    // Before minutes of building.
    let engine = Engine::connect()?;
    let plan = match (&args.node, &args.agent, &args.lockstep) {
        (Some(node), Some(agent), _) => Plan::Node { node: node.clone(), agent: agent.clone() },
        (.., Some(lockstep)) => Plan::Harness { lockstep: lockstep.clone() },
        _ if args.harness => {
            let [lockstep] = programs([("harness", "lockstep")])?;
            Plan::Harness { lockstep }
        }
        _ => {
            let [node, agent] = programs([("node", "masternode"), ("agent", "lockstep-agent")])?;
            Plan::Node { node, agent }
        }
    };
    let built = build(&engine, &plan)?;
    writeln!(out, "{}: {}, {:.1} MB", built.image, built.id, built.size as f64 / 1e6)?;
    Ok(Exit::Expected)
}

/// Static programs, by package and name: those of a release lie beside this one, a checkout makes its own.
fn programs<const N: usize>(wanted: [(&str, &str); N]) -> Result<[PathBuf; N], CliError> {
    let beside = std::env::current_exe()?.with_file_name("static");
    if wanted.iter().all(|(_, name)| beside.join(name).is_file()) {
        return Ok(wanted.map(|(_, name)| beside.join(name)));
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if !checkout.join("agent").is_dir() {
        let why = format!("no static programs in {}: name them (`lockstep image build --help`)", beside.display());
        return Err(CliError::Harness(why));
    }
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let target = checkout.join("target/static");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--quiet", "--release", "--locked", "--target", &platform]);
    for (package, name) in &wanted {
        cargo.args(["-p", package, "--bin", name]);
    }
    // With a target of its own what runs while building is not static, which it can't be.
    cargo.env("RUSTFLAGS", "-C target-feature=+crt-static -C strip=symbols").env("CARGO_TARGET_DIR", &target);
    let built = cargo.current_dir(&checkout).status();
    match built {
        Ok(status) if status.success() => Ok(wanted.map(|(_, name)| target.join(&platform).join("release").join(name))),
        Ok(status) => Err(CliError::Harness(format!("cargo can't build the static programs: {status}"))),
        Err(error) => Err(CliError::Harness(format!("cannot start cargo: {error}"))),
    }
}
