//! `masternode init`
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Failure;
use crate::config::{Config, PeerAddress, template};

#[derive(Debug, Args)]
pub(super) struct InitFlags {
    /// Where to write it
    #[arg(long, value_name = "FILE", default_value = "config.toml")]
    config: PathBuf,
    /// Replace the file if it is there already
    #[arg(long)]
    force: bool,
    /// Set `[network] name`
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// Set `[network] genesis`; a relative path starts at the configuration's folder
    #[arg(long, value_name = "FILE")]
    genesis: Option<String>,
    /// Set `[network] listen`
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
    /// Set `[network] peers`; again for more
    #[arg(long = "peer", value_name = "ADDRESS")]
    peers: Vec<PeerAddress>,
    /// Set `[network] whitelisted_peers`; again for more
    #[arg(long = "whitelist", value_name = "ADDRESS")]
    whitelisted_peers: Vec<PeerAddress>,
    /// Set `[store] path`; a relative path starts at the configuration's folder
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: String,
    /// Set `[network] masternode`
    #[arg(long)]
    masternode: bool,
    /// Set `[http] listen`
    #[arg(long, value_name = "IP:PORT")]
    http: Option<SocketAddr>,
}

/// Writes a configuration with every key, and checks it first.
pub(super) fn init(flags: &InitFlags) -> Result<(), Failure> {
    let text = template(&set(flags));
    let file = &flags.config;
    let folder = file.parent().unwrap_or(Path::new(""));
    Config::parse(&text, &file.display().to_string(), folder)?;
    let mut options = OpenOptions::new();
    match flags.force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    let written = options.write(true).open(file).and_then(|mut to| to.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::environment(format_args!("{} is there already: --force replaces it", file.display()))
        }
        _ => Failure::environment(format_args!("cannot write {}: {error}", file.display())),
    })?;
    println!("Wrote {0}. Start the node with: masternode run --config {0}", file.display());
    Ok(())
}

/// What the flags set, as TOML.
fn set(flags: &InitFlags) -> Vec<(&'static str, &'static str, String)> {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let address = |at: SocketAddr| quoted(&at.to_string());
    let list = |peers: &[PeerAddress]| {
        let peers: Vec<String> = peers.iter().map(|peer| quoted(&peer.to_string())).collect();
        (!peers.is_empty()).then(|| format!("[{}]", peers.join(", ")))
    };
    let keys = [
        ("network", "name", flags.network.as_deref().map(quoted)),
        ("network", "genesis", flags.genesis.as_deref().map(quoted)),
        ("network", "listen", flags.listen.map(address)),
        ("network", "peers", list(&flags.peers)),
        ("network", "whitelisted_peers", list(&flags.whitelisted_peers)),
        ("network", "masternode", flags.masternode.then(|| "true".to_owned())),
        // A node that was set up keeps its chain.
        ("store", "path", Some(quoted(&flags.data))),
        ("http", "listen", flags.http.map(address)),
    ];
    keys.into_iter().filter_map(|(table, key, value)| Some((table, key, value?))).collect()
}
