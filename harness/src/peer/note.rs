//! A message as an observation's fields.
use std::borrow::Cow;

use node::chain::{Hash, Height, Json, SealedBlock};
use node::wire::{Decoded, Message, WireError};
use serde::de::IgnoredAny;

use crate::history::{Field, Fields, What};

/// One thing on the wire: a message by its name, a line of junk by `undecodable`, bytes without end by `junk`.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// The name.
    pub message: Cow<'static, str>,
    /// The fields.
    pub fields: Fields,
}

/// What a block tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Its height.
    pub height: Height,
    /// Its parent's hash.
    pub previous_hash: Hash,
    /// Its hash.
    pub hash: Hash,
}

impl From<&SealedBlock> for Told {
    /// In v1.
    fn from(block: &SealedBlock) -> Self {
        Self { height: block.height(), previous_hash: block.previous_hash(), hash: block.hash() }
    }
}

/// A message's blocks.
pub fn blocks(message: &Message) -> &[SealedBlock] {
    match message {
        Message::BlocksResponse(blocks) | Message::BlockRangeResponse(blocks) => blocks,
        Message::BlockResponse(block) | Message::BlockAnnouncement(block) | Message::GenesisAnnouncement(block) => {
            std::slice::from_ref(block)
        }
        _ => &[],
    }
}

impl Note {
    /// A message whose blocks tell this.
    pub fn telling(message: &Message, told: &[Told]) -> Self {
        Self { message: message.name().into(), fields: fields(message, told) }
    }

    /// So many bytes that are no message.
    pub fn junk(bytes: u64) -> Self {
        Self { message: "junk".into(), fields: [field("bytes", bytes)].into() }
    }

    /// A line of `bytes` bytes; `None` for an empty one.
    pub fn line(decoded: &Result<Decoded, WireError>, bytes: usize) -> Option<Self> {
        Some(match decoded {
            Ok(Decoded::Message(message)) => message.into(),
            Ok(Decoded::Unknown(tag)) => Self { message: tag.clone().into(), fields: Fields::new() },
            Ok(Decoded::Empty) => return None,
            Err(error) => Self {
                message: "undecodable".into(),
                fields: [field("bytes", bytes as u64), text("reason", error)].into(),
            },
        })
    }
}

impl Note {
    /// As it was seen by a peer that is connected with `node`.
    pub fn seen(self, node: &str, sent: bool) -> What {
        What::Wire { node: node.to_owned(), sent, message: self.message.into_owned(), fields: self.fields }
    }
}

impl From<&Message> for Note {
    fn from(message: &Message) -> Self {
        Self::telling(message, &blocks(message).iter().map(Told::from).collect::<Vec<_>>())
    }
}

/// A field with a whole number.
pub fn field(name: &str, number: u64) -> (String, Field) {
    (name.to_owned(), Field::Number(number))
}

fn text(name: &str, value: impl ToString) -> (String, Field) {
    (name.to_owned(), Field::Text(value.to_string()))
}

/// Whole numbers as such; those below zero as text.
fn signed(name: &str, number: i64) -> (String, Field) {
    u64::try_from(number).map_or_else(|_| text(name, number), |number| field(name, number))
}

fn list(blocks: &[Told]) -> Fields {
    let ends = blocks.first().zip(blocks.last());
    let ends = ends.map(|(first, last)| [field("start", first.height), field("end", last.height)]);
    let follows =
        |pair: &&[Told]| pair[1].previous_hash == pair[0].hash && Some(pair[1].height) == pair[0].height.checked_add(1);
    let broken = blocks.windows(2).find(|pair| !follows(pair)).map(|pair| field("broken", pair[1].height));
    [field("count", blocks.len() as u64)].into_iter().chain(ends.into_iter().flatten()).chain(broken).collect()
}

/// How many entries a list has.
fn entries(list: &Json) -> u64 {
    serde_json::from_str::<Vec<IgnoredAny>>(list.text()).map_or(0, |entries| entries.len() as u64)
}

fn fields(message: &Message, told: &[Told]) -> Fields {
    match message {
        Message::Handshake { magic, protocol_version, network } => [
            text("magic", magic.escape_ascii()),
            field("protocol_version", (*protocol_version).into()),
            text("network", network),
        ]
        .into(),
        Message::Ack { message_type } => [text("message_type", message_type)].into(),
        Message::Ping { nonce, timestamp, height } | Message::Pong { nonce, timestamp, height } => {
            let height = height.map(|height| field("height", height));
            [field("nonce", *nonce), signed("timestamp", *timestamp)].into_iter().chain(height).collect()
        }
        Message::GetBlocks(start, end) | Message::GetBlockRange { start_height: start, end_height: end } => {
            [field("start", *start), field("end", *end)].into()
        }
        Message::BlocksResponse(_) | Message::BlockRangeResponse(_) => list(told),
        Message::BlockHeightResponse(height)
        | Message::BlockInventory(height)
        | Message::BlockRequest(height)
        | Message::GetBlockHash(height) => [field("height", *height)].into(),
        Message::ChainTipResponse { height, hash } => [field("height", *height), text("hash", hash)].into(),
        Message::BlockHashResponse { height, hash } => {
            let hash = hash.map(|hash| text("hash", hash));
            [field("height", *height)].into_iter().chain(hash).collect()
        }
        Message::BlockResponse(_) | Message::BlockAnnouncement(_) | Message::GenesisAnnouncement(_) => {
            told.iter().flat_map(|block| [field("height", block.height), text("hash", block.hash)]).collect()
        }
        Message::GenesisHashResponse(hash) => [text("hash", hash)].into(),
        Message::PeersResponse(peers) => [field("count", peers.len() as u64)].into(),
        Message::MasternodesResponse(nodes) => [field("count", entries(nodes))].into(),
        Message::MasternodeAnnouncement { address, tier, .. } => [text("address", address), text("tier", tier)].into(),
        Message::GetBlockHeight
        | Message::GetChainTip
        | Message::GetGenesisHash
        | Message::RequestGenesis
        | Message::GetPeers
        | Message::GetMasternodes
        | Message::Version(_) => Fields::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::testing::main;

    fn shown(message: &Message) -> String {
        let fields = Note::from(message).fields;
        let field = |(name, value): (&String, &Field)| match value {
            Field::Number(number) => format!("{name}={number}"),
            Field::Text(text) => format!("{name}:{text}"),
        };
        fields.iter().map(field).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn fields_of_messages() {
        let main = main();
        let block = main.block(3).unwrap();
        let three = block.hash();
        let blocks = || main.upto(5).skip(2).collect();
        let zero = Hash::ZERO;
        for (message, fields) in [
            (
                Message::Handshake { magic: *b"TIME", protocol_version: 1, network: "testnet".to_owned() },
                "magic:TIME network:testnet protocol_version=1".to_owned(),
            ),
            (Message::Ack { message_type: "Handshake".to_owned() }, "message_type:Handshake".to_owned()),
            (
                Message::Ping { nonce: u64::MAX, timestamp: i64::MIN, height: None },
                format!("nonce={} timestamp:{}", u64::MAX, i64::MIN),
            ),
            (Message::Pong { nonce: 1, timestamp: 2, height: Some(3) }, "height=3 nonce=1 timestamp=2".to_owned()),
            (Message::GetBlocks(1, 2), "end=2 start=1".to_owned()),
            (Message::GetBlockRange { start_height: 1, end_height: 2 }, "end=2 start=1".to_owned()),
            (Message::BlocksResponse(blocks()), "count=4 end=5 start=2".to_owned()),
            (Message::BlockRangeResponse(Vec::new()), "count=0".to_owned()),
            (Message::BlockInventory(9), "height=9".to_owned()),
            (Message::BlockRequest(9), "height=9".to_owned()),
            (Message::GetBlockHash(9), "height=9".to_owned()),
            (Message::BlockHeightResponse(9), "height=9".to_owned()),
            (Message::ChainTipResponse { height: 9, hash: zero }, format!("hash:{zero} height=9")),
            (Message::BlockHashResponse { height: 9, hash: Some(zero) }, format!("hash:{zero} height=9")),
            (Message::BlockHashResponse { height: 9, hash: None }, "height=9".to_owned()),
            (Message::BlockResponse(block.clone()), format!("hash:{three} height=3")),
            (Message::BlockAnnouncement(block), format!("hash:{three} height=3")),
            (Message::GenesisHashResponse(zero), format!("hash:{zero}")),
            (Message::PeersResponse(vec!["192.0.2.1".to_owned()]), "count=1".to_owned()),
            (Message::GetChainTip, String::new()),
        ] {
            assert_eq!(shown(&message), fields, "{}", message.name());
        }
    }
}
