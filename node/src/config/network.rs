//! `[network]`
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, Error};

use super::peer_address::one_an_ip;
use super::value::bounded;
use super::{ConfigError, PeerAddress};
use crate::chain::{Hash, MAX_BLOCK_JSON, SealedBlock, Transaction, merkle_root, testnet};

/// The network whose genesis is built in (D-26).
const BUILT_IN: &str = "testnet";

/// `[network]`
#[derive(Debug, Clone)]
pub struct Network {
    /// Said in handshakes; decides the default port.
    pub name: String,
    /// Block 0: the built-in one of the testnet, or that of the file `genesis`.
    pub genesis: SealedBlock,
    /// By default every IPv4 address, at the network's port. An IP is also the source of dials (D-25).
    pub listen: SocketAddr,
    /// Regular peers to dial, one entry an IP, none of them whitelisted.
    pub peers: Vec<PeerAddress>,
    /// Masternodes to dial and to trust, one entry an IP.
    pub whitelisted_peers: Vec<PeerAddress>,
    /// Never connected, even where whitelisted.
    pub blacklisted_peers: Vec<IpAddr>,
    /// All slots (phases 1 and 2, Connection slots); 1 to 10,000.
    pub max_connections: usize,
    /// Slots that only whitelisted peers get; at most all.
    pub reserved_masternode_slots: usize,
    /// Whether this node is a masternode itself.
    pub masternode: bool,
}

impl Network {
    /// The port that peers have where their address names none (wire protocol: Framing).
    pub fn default_port(&self) -> u16 {
        default_port(&self.name)
    }
}

fn default_port(name: &str) -> u16 {
    if name == "mainnet" { 24_000 } else { 24_100 }
}

impl Default for Network {
    fn default() -> Self {
        Keys::default().with_genesis(testnet())
    }
}

/// The table as written.
#[derive(Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Keys {
    #[serde(deserialize_with = "name")]
    name: String,
    pub(super) genesis: Option<PathBuf>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) peers: Vec<PeerAddress>,
    pub(super) whitelisted_peers: Vec<PeerAddress>,
    blacklisted_peers: Vec<PeerAddress>,
    #[serde(deserialize_with = "bounded::<_, _, 1, 10_000>")]
    max_connections: usize,
    #[serde(deserialize_with = "bounded::<_, _, 0, 10_000>")]
    reserved_masternode_slots: usize,
    pub(super) masternode: bool,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            name: BUILT_IN.to_owned(),
            genesis: None,
            listen: None,
            peers: Vec::new(),
            whitelisted_peers: Vec::new(),
            blacklisted_peers: Vec::new(),
            max_connections: 125,
            reserved_masternode_slots: 50,
            masternode: false,
        }
    }
}

impl Keys {
    /// Reads the genesis; `base` is where a relative path starts.
    pub(super) fn resolve(self, base: &Path) -> Result<Network, ConfigError> {
        let genesis = match &self.genesis {
            Some(path) => read_genesis(&base.join(path))?,
            None if self.name == BUILT_IN => testnet(),
            None => return Err(ConfigError::NoGenesis { name: self.name }),
        };
        Ok(self.with_genesis(genesis))
    }

    fn with_genesis(self, genesis: SealedBlock) -> Network {
        let whitelisted = self.whitelisted_peers.iter().copied();
        // A peer in both lists is a whitelisted one; either entry may name its port.
        let both = self.peers.iter().copied();
        let mut whitelisted_peers = one_an_ip(whitelisted.chain(both).collect());
        let is_whitelisted = |peer: &PeerAddress| self.whitelisted_peers.iter().any(|w| w.ip == peer.ip);
        whitelisted_peers.retain(is_whitelisted);
        let mut peers = one_an_ip(self.peers.clone());
        peers.retain(|peer| !is_whitelisted(peer));
        let blacklisted = one_an_ip(self.blacklisted_peers);
        Network {
            genesis,
            listen: self.listen.unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, default_port(&self.name)).into()),
            peers,
            whitelisted_peers,
            blacklisted_peers: blacklisted.into_iter().map(|peer| peer.ip).collect(),
            max_connections: self.max_connections,
            reserved_masternode_slots: self.reserved_masternode_slots,
            masternode: self.masternode,
            name: self.name,
        }
    }
}

/// Reads the table and checks its keys against each other.
pub(super) fn network<'de, D: Deserializer<'de>>(from: D) -> Result<Keys, D::Error> {
    let keys = Keys::deserialize(from)?;
    if keys.reserved_masternode_slots <= keys.max_connections {
        Ok(keys)
    } else {
        Err(D::Error::custom(format!(
            "reserved_masternode_slots is {}, but max_connections only {}",
            keys.reserved_masternode_slots, keys.max_connections
        )))
    }
}

fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    if (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        Ok(name)
    } else {
        Err(D::Error::custom("a network's name is 1 to 32 letters, digits and hyphens"))
    }
}

fn read_genesis(path: &Path) -> Result<SealedBlock, ConfigError> {
    let bytes = super::file::read(path, MAX_BLOCK_JSON)?;
    let wrong = |reason: String| ConfigError::BadGenesis { path: path.to_owned(), reason };
    let block: SealedBlock = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let txids: Vec<Hash> = block.transactions.iter().map(Transaction::txid).collect();
    if block.height() != 0 {
        return Err(wrong(format!("its height is {}", block.height())));
    }
    if block.previous_hash() != Hash::ZERO {
        return Err(wrong("its previous hash is not zero".to_owned()));
    }
    if block.header.merkle_root != merkle_root(&txids) {
        return Err(wrong("its merkle root is not that of its transactions".to_owned()));
    }
    Ok(block)
}
