//! `config.toml`
use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::value::bounded;
use super::{Chain, ConfigError, Log, Network, PeerAddress, Producer, Sync, network, producer};

/// Bytes that a configuration may have.
const MAX_FILE: usize = 1 << 20;

/// Everything that `config.toml` can say, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[sync]`
    pub sync: Sync,
    /// `[network]`
    pub network: Network,
    /// `[chain]`
    pub chain: Chain,
    /// `[producer]`
    pub producer: Producer,
    /// `[store] path`, a folder; `None` keeps the chain in memory.
    pub store: Option<PathBuf>,
    /// `[http] listen`; `None` without that table, 127.0.0.1:24180 where it names nothing.
    pub http: Option<SocketAddr>,
    /// `[log]`
    pub log: Log,
    /// `[test] time_scale`, 1 to 60: divides every interval, timeout and back-off (D-29).
    pub time_scale: u32,
    /// `[test] clock_file`: how far the node's clock is from the machine's stands there and is read whenever the time is asked for.
    pub clock_file: Option<PathBuf>,
}

/// What flags say instead of the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Instead of `[network] listen`.
    pub listen: Option<SocketAddr>,
    /// Instead of `[network] genesis`; relative to the working directory.
    pub genesis: Option<PathBuf>,
    /// Instead of `[store] path`; relative to the working directory.
    pub data: Option<PathBuf>,
    /// Instead of `[log] level`.
    pub log_level: Option<String>,
    /// Instead of `[log] format`.
    pub log_json: Option<bool>,
    /// Instead of `[http] listen`; serves HTTP without that table, too.
    pub http: Option<SocketAddr>,
    /// Instead of `[network] peers`, where there are any.
    pub peers: Vec<PeerAddress>,
    /// Instead of `[network] whitelisted_peers`, where there are any.
    pub whitelisted_peers: Vec<PeerAddress>,
    /// Instead of `[network] masternode`.
    pub masternode: Option<bool>,
    /// Instead of `[test] time_scale`; 1 to 60.
    pub time_scale: Option<u32>,
}

impl Default for Config {
    fn default() -> Self {
        Keys::default().with_network(Network::default(), Path::new(""))
    }
}

impl Config {
    /// Reads `text`. Errors name `origin`; `base` is where relative paths start.
    ///
    /// # Errors
    /// [`ConfigError`], with line, column and caret where the text is wrong.
    pub fn parse(text: &str, origin: &str, base: &Path) -> Result<Self, ConfigError> {
        Keys::parse(text, origin)?.resolve(base)
    }

    /// Reads the file at `path`, at most 1 MiB.
    ///
    /// # Errors
    /// As [`Config::parse`], and where the file can't be read.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_with(Some(path), Overrides::default())
    }

    /// Reads the file at `path`, if any, under the flags of a command line.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with(path: Option<&Path>, flags: Overrides) -> Result<Self, ConfigError> {
        let (mut keys, base) = match path {
            Some(path) => {
                let bytes = read(path, MAX_FILE)?;
                let origin = path.display().to_string();
                let text = String::from_utf8(bytes)
                    .map_err(|error| ConfigError::Invalid { report: error.to_string(), origin: origin.clone() })?;
                let base = path.parent().unwrap_or(Path::new(""));
                (Keys::parse(&text, &origin)?, base)
            }
            None => (Keys::default(), Path::new("")),
        };
        keys.network.listen = flags.listen.or(keys.network.listen);
        if let Some(genesis) = flags.genesis {
            // Absolute, so that the file's folder does not count.
            keys.network.genesis = Some(std::path::absolute(&genesis).unwrap_or(genesis));
        }
        if let Some(data) = flags.data {
            keys.store.path = Some(std::path::absolute(&data).unwrap_or(data));
        }
        keys.log.level = flags.log_level.unwrap_or(keys.log.level);
        keys.log.json = flags.log_json.unwrap_or(keys.log.json);
        keys.http = flags.http.map(|listen| Http { listen }).or(keys.http);
        if !flags.peers.is_empty() {
            keys.network.peers = flags.peers;
        }
        if !flags.whitelisted_peers.is_empty() {
            keys.network.whitelisted_peers = flags.whitelisted_peers;
        }
        keys.network.masternode = flags.masternode.unwrap_or(keys.network.masternode);
        keys.test.time_scale = flags.time_scale.unwrap_or(keys.test.time_scale);
        keys.resolve(base)
    }
}

/// The file as written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Keys {
    sync: Sync,
    #[serde(deserialize_with = "network::network")]
    network: network::Keys,
    chain: Chain,
    #[serde(deserialize_with = "producer::producer")]
    producer: Producer,
    store: Store,
    http: Option<Http>,
    log: Log,
    test: Test,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Store {
    path: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Http {
    listen: SocketAddr,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 24_180).into() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Test {
    #[serde(deserialize_with = "bounded::<_, _, 1, 60>")]
    time_scale: u32,
    clock_file: Option<PathBuf>,
}

impl Default for Test {
    fn default() -> Self {
        Self { time_scale: 1, clock_file: None }
    }
}

impl Keys {
    fn parse(text: &str, origin: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::invalid(origin, &error))
    }

    fn resolve(mut self, base: &Path) -> Result<Config, ConfigError> {
        let network = std::mem::take(&mut self.network).resolve(base)?;
        Ok(self.with_network(network, base))
    }

    fn with_network(self, network: Network, base: &Path) -> Config {
        Config {
            sync: self.sync,
            network,
            chain: self.chain,
            producer: self.producer,
            store: self.store.path.map(|path| base.join(path)),
            http: self.http.map(|http| http.listen),
            log: self.log,
            time_scale: self.test.time_scale,
            clock_file: self.test.clock_file.map(|path| base.join(path)),
        }
    }
}

/// The file's bytes, at most `limit`.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, ConfigError> {
    let mut bytes = Vec::new();
    let most = limit as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    if bytes.len() > limit {
        return Err(ConfigError::Invalid { origin: path.display().to_string(), report: format!("over {limit} bytes") });
    }
    Ok(bytes)
}
