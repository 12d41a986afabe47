//! What nodes say to each other (wire protocol: Handshake, Messages for sync).
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::chain::{Hash, Height, Json, SealedBlock, json_list};

/// `TIME`, the start of every handshake (wire protocol: Handshake).
pub const MAGIC: [u8; 4] = *b"TIME";

/// The protocol's version (wire protocol: Handshake).
pub const PROTOCOL_VERSION: u32 = 1;

/// Addresses of [`Message::PeersResponse`] that are kept: nothing depends on them, and short ones take many times their JSON.
pub const MAX_PEERS: usize = 1_000;

/// A message in either direction, as serde tags enums by default. All numbers are the peer's and unchecked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// The dialler's first word.
    Handshake {
        /// Ought to be [`MAGIC`].
        magic: [u8; 4],
        /// Ought to be [`PROTOCOL_VERSION`].
        protocol_version: u32,
        /// `mainnet` or `testnet`; production always says `mainnet`.
        network: String,
    },
    /// The listener's answer to a handshake.
    Ack {
        /// What it answers: `Handshake`.
        message_type: String,
    },
    /// Are you there, and how high?
    Ping {
        /// Comes back in the pong.
        nonce: u64,
        /// The sender's clock in seconds since 1970.
        timestamp: i64,
        /// The sender's tip; absent or null where it doesn't tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        height: Option<Height>,
    },
    /// The answer to a ping.
    Pong {
        /// The ping's.
        nonce: u64,
        /// The sender's clock in seconds since 1970.
        timestamp: i64,
        /// The sender's tip; absent or null where it doesn't tell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        height: Option<Height>,
    },
    /// Asks for [`Message::BlockHeightResponse`].
    GetBlockHeight,
    /// The sender's tip.
    BlockHeightResponse(Height),
    /// Asks for [`Message::ChainTipResponse`].
    GetChainTip,
    /// The sender's tip.
    ChainTipResponse {
        /// Its height.
        height: Height,
        /// Its hash.
        hash: Hash,
    },
    /// Asks for the blocks from the first height to the second, both included.
    GetBlocks(Height, Height),
    /// Answers [`Message::GetBlocks`]; empty for none.
    BlocksResponse(Vec<SealedBlock>),
    /// Asks for blocks too.
    GetBlockRange {
        /// The first height.
        start_height: Height,
        /// The last height, included.
        end_height: Height,
    },
    /// Answers [`Message::GetBlockRange`]; empty for none.
    BlockRangeResponse(Vec<SealedBlock>),
    /// Announces a height.
    BlockInventory(Height),
    /// Asks for one block.
    BlockRequest(Height),
    /// Answers [`Message::BlockRequest`].
    BlockResponse(SealedBlock),
    /// Pushes a new block.
    BlockAnnouncement(SealedBlock),
    /// Asks for the hash at a height.
    GetBlockHash(Height),
    /// Answers [`Message::GetBlockHash`].
    BlockHashResponse {
        /// The height asked for.
        height: Height,
        /// `None` where the sender has no block there.
        hash: Option<Hash>,
    },
    /// Asks for [`Message::GenesisHashResponse`].
    GetGenesisHash,
    /// The hash of the sender's block 0.
    GenesisHashResponse(Hash),
    /// Asks for [`Message::GenesisAnnouncement`].
    RequestGenesis,
    /// The sender's block 0.
    GenesisAnnouncement(SealedBlock),
    /// Asks for [`Message::PeersResponse`].
    GetPeers,
    /// Addresses, `ip` or `ip:port`; of a longer list the first [`MAX_PEERS`].
    PeersResponse(#[serde(deserialize_with = "first_peers")] Vec<String>),
    /// Asks for [`Message::MasternodesResponse`].
    GetMasternodes,
    /// What the sender knows of masternodes, unread.
    MasternodesResponse(#[serde(deserialize_with = "json_list")] Json),
    /// The sender is a masternode.
    MasternodeAnnouncement {
        /// Its bare IP.
        address: String,
        /// Where its rewards go.
        reward_address: String,
        /// `Free`, `Bronze`, `Silver` or `Gold`.
        tier: String,
        /// Its key.
        public_key: Hash,
    },
    /// The sender's build; nothing depends on it.
    Version(Box<Version>),
}

/// What production tells of its build. What is missing is empty: nothing here is worth a strike.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "shown to people as it came")]
pub struct Version {
    pub version: Json,
    pub commit_date: Json,
    pub commit_count: Json,
    pub protocol_version: Json,
    pub network: Json,
    pub listen_addr: Json,
    pub timestamp: Json,
    pub capabilities: Json,
    pub wallet_address: Json,
    pub genesis_hash: Json,
}

fn first_peers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    struct First;

    impl<'de> Visitor<'de> for First {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of addresses")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
            let mut peers = Vec::new();
            while peers.len() < MAX_PEERS
                && let Some(peer) = list.next_element()?
            {
                peers.push(peer);
            }
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(peers)
        }
    }

    from.deserialize_seq(First)
}

impl Message {
    /// Whether it asks for something other than blocks, of which a download asks as often as they are many.
    pub fn asks(&self) -> bool {
        use Message::{GetBlockHash, GetBlockHeight, GetChainTip, GetGenesisHash, GetMasternodes, GetPeers};
        matches!(self, GetBlockHeight | GetChainTip | GetBlockHash(_) | GetGenesisHash | GetPeers | GetMasternodes)
    }
}

macro_rules! names {
    ($($name:ident)*) => {
        impl Message {
            /// The tags of all messages.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// The tag.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => stringify!($name),)*
                }
            }
        }
    };
}

// The match in `name` keeps this list complete.
names! {
    Handshake Ack Ping Pong GetBlockHeight BlockHeightResponse GetChainTip ChainTipResponse GetBlocks BlocksResponse
    GetBlockRange BlockRangeResponse BlockInventory BlockRequest BlockResponse BlockAnnouncement GetBlockHash
    BlockHashResponse GetGenesisHash GenesisHashResponse RequestGenesis GenesisAnnouncement GetPeers PeersResponse
    GetMasternodes MasternodesResponse MasternodeAnnouncement Version
}
