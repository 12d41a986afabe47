//! `lockstep image`: the reference node as an image.
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Subcommand};

use super::{CliError, Exit};
use crate::run::container::{Engine, build};

/// The image of the reference node.
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
    /// The node's program, linked statically. Default: `masternode` beside this program, or built by cargo in a checkout.
    #[arg(long, value_name = "FILE", requires = "agent")]
    node: Option<PathBuf>,
    /// The agent's program, likewise.
    #[arg(long, value_name = "FILE", requires = "node")]
    agent: Option<PathBuf>,
}

pub(super) fn image(args: &ImageArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let What::Build(args) = &args.what;
    // Before minutes of building.
    let engine = Engine::connect()?;
    let (node, agent) = match (&args.node, &args.agent) {
        (Some(node), Some(agent)) => (node.clone(), agent.clone()),
        _ => programs()?,
    };
    let built = build(&engine, &node, &agent)?;
    writeln!(out, "{}: {}, {:.1} MB", built.image, built.id, built.size as f64 / 1e6)?;
    Ok(Exit::Expected)
}

/// Static programs: those of a release lie beside this one, a checkout makes its own.
fn programs() -> Result<(PathBuf, PathBuf), CliError> {
    const NAMES: [&str; 2] = ["masternode", "lockstep-agent"];
    let both = |dir: &Path| NAMES.map(|name| dir.join(name)).into();
    let beside = std::env::current_exe()?.with_file_name("static");
    if NAMES.iter().all(|name| beside.join(name).is_file()) {
        return Ok(both(&beside));
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if !checkout.join("agent").is_dir() {
        let why = format!("no static programs in {}: name them by --node and --agent", beside.display());
        return Err(CliError::Harness(why));
    }
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let target = checkout.join("target/static");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["build", "--quiet", "--release", "--locked", "-p", "node", "-p", "agent", "--target", &platform]);
    // With a target of its own what runs while building is not static, which it can't be.
    cargo.env("RUSTFLAGS", "-C target-feature=+crt-static -C strip=symbols").env("CARGO_TARGET_DIR", &target);
    let built = cargo.current_dir(&checkout).status();
    match built {
        Ok(status) if status.success() => Ok(both(&target.join(platform).join("release"))),
        Ok(status) => Err(CliError::Harness(format!("cargo can't build the static programs: {status}"))),
        Err(error) => Err(CliError::Harness(format!("cannot start cargo: {error}"))),
    }
}
