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
use crate::store::MemoryStore;
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

/// Runs a node on real sockets until SIGINT or SIGTERM.
pub(super) fn run(flags: Flags) -> Result<(), Failure> {
    let overrides = Overrides {
        listen: flags.listen,
        genesis: flags.genesis,
        log_level: flags.log_level,
        log_json: flags.log_format.map(|format| format == Format::Json),
    };
    let config = Config::load_with(flags.config.as_deref(), overrides)?;
    log::start(&config.log)?;
    if config.store.is_some() {
        tracing::warn!(target: "node", "`[store] path` is not used yet: the chain is kept in memory and ends with the process");
    }
    if config.http.is_some() {
        tracing::warn!(target: "node", "`[http]` is not served yet");
    }
    let parts = Parts {
        network: TcpNetwork,
        store: Arc::new(MemoryStore::new(config.network.genesis.clone())),
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
