//! `masternode run`
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use super::exit::Failure;
use super::log;
use crate::config::{Config, Overrides};
use crate::runtime::{self, Parts, SystemClock, TcpNetwork};
use crate::store::redb::Verify;
use crate::store::{MemoryStore, RedbStore, Store};
use crate::telemetry::Telemetry;

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// The configuration file; without it, the testnet's defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Instead of `[network] listen`
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
    /// Instead of `[network] genesis`
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// Instead of `[store] path`: the folder of the chain
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How much of the chain on disk is checked at the start
    #[arg(long, value_name = "HOW", default_value = "quick")]
    verify: VerifyHow,
    /// Instead of `[log] level`: off, error, warn, info, debug, trace, or a tracing filter
    #[arg(long, value_name = "FILTER")]
    log_level: Option<String>,
    /// Instead of `[log] format`
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VerifyHow {
    /// The newest 1,000 blocks, and the checksums of the file
    Quick,
    /// Every block
    Full,
}

/// Runs a node on real sockets until SIGINT or SIGTERM.
pub(super) fn run(flags: Flags) -> Result<(), Failure> {
    let overrides = Overrides {
        listen: flags.listen,
        genesis: flags.genesis,
        data: flags.data,
        log_level: flags.log_level,
        log_json: flags.log_format.map(|format| format == Format::Json),
    };
    let config = Config::load_with(flags.config.as_deref(), overrides)?;
    log::start(&config.log)?;
    let store = open(&config, flags.verify)?;
    if config.http.is_some() {
        tracing::warn!(target: "node", "`[http]` is not served yet");
    }
    let parts = Parts {
        network: TcpNetwork,
        store,
        clock: Arc::new(SystemClock),
        telemetry: Arc::new(Telemetry::new()),
        // The standard library's only source of real randomness.
        seed: RandomState::new().hash_one(std::process::id()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::environment)?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::environment)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::environment)?;
        let shutdown = async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        Ok(runtime::run(config, parts, shutdown).await?)
    })
}

/// The chain on disk, or one in memory where no folder is named.
fn open(config: &Config, verify: VerifyHow) -> Result<Arc<dyn Store>, Failure> {
    let genesis = &config.network.genesis;
    let Some(folder) = &config.store else {
        tracing::warn!(target: "node", "No `[store] path`: the chain is kept in memory and ends with the process");
        return Ok(Arc::new(MemoryStore::new(genesis.clone())));
    };
    let verify = match verify {
        VerifyHow::Quick => Verify::Quick,
        VerifyHow::Full => Verify::Full,
    };
    let (store, _) = RedbStore::open(folder, genesis, &config.chain.checkpoints, verify)?;
    Ok(Arc::new(store))
}
