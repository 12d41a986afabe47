//! What `masternode run` can be told.
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::exit::Failure;
use crate::config::{Config, Overrides, PeerAddress};

/// Flags beat the file, the file beats the defaults.
#[derive(Debug, Args)]
pub(super) struct RunFlags {
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
    pub verify: VerifyHow,
    /// Instead of `[log] level`: off, error, warn, info, debug, trace, or a tracing filter
    #[arg(long, value_name = "FILTER")]
    log_level: Option<String>,
    /// Instead of `[log] format`
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<Format>,
    /// Serve /metrics, /status, /healthz and /readyz here, instead of at `[http] listen`
    #[arg(long, value_name = "IP:PORT")]
    http: Option<SocketAddr>,
    /// A regular peer to dial, `ip` or `ip:port`; again for more. Instead of `[network] peers`
    #[arg(long = "peer", value_name = "ADDRESS")]
    peers: Vec<PeerAddress>,
    /// A masternode to dial and to trust; again for more. Instead of `[network] whitelisted_peers`
    #[arg(long = "whitelist", value_name = "ADDRESS")]
    whitelisted_peers: Vec<PeerAddress>,
    /// Be a masternode, or not, instead of `[network] masternode`
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    masternode: Option<bool>,
    /// Divide every interval, timeout and back-off, 1 to 60, for development. Instead of `[test] time_scale`
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60))]
    time_scale: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum VerifyHow {
    /// The newest 1,000 blocks, and the checksums of the file
    Quick,
    /// Every block
    Full,
}

impl RunFlags {
    /// The configuration under these flags.
    pub fn config(self) -> Result<Config, Failure> {
        let overrides = Overrides {
            listen: self.listen,
            genesis: self.genesis,
            data: self.data,
            log_level: self.log_level,
            log_json: self.log_format.map(|format| format == Format::Json),
            http: self.http,
            peers: self.peers,
            whitelisted_peers: self.whitelisted_peers,
            masternode: self.masternode,
            time_scale: self.time_scale,
        };
        Ok(Config::load_with(self.config.as_deref(), overrides)?)
    }
}
