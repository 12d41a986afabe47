//! What one connection carried, as observations.
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use node::chain::SealedBlock;
use node::wire::{Decoded, Message, WireError};
use tokio::time::Instant;

use crate::history::{Field, Fields, What};

/// Takes observations as they are made.
pub type Recording = Arc<dyn Fn(What) + Send + Sync>;

/// So many equal messages in a second are recorded one by one; what goes beyond is summed up, so that a flood leaves a history short.
const ONE_BY_ONE: u32 = 5;

/// What is summed up where it comes in floods.
const SUMMED: [&str; 4] = ["Ping", "Pong", "BlockAnnouncement", "undecodable"];

/// Over what time it is.
const WINDOW: Duration = Duration::from_secs(1);

/// One thing on the wire: a message by its name, a line of junk by `undecodable`, bytes without end by `junk`.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    message: Cow<'static, str>,
    fields: Fields,
}

impl Note {
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
    fn seen(self, node: &str, sent: bool) -> What {
        What::Wire {
            node: node.to_owned(),
            sent,
            message: self.message.into_owned(),
            fields: self.fields,
        }
    }
}

impl From<&Message> for Note {
    fn from(message: &Message) -> Self {
        Self { message: message.name().into(), fields: fields(message) }
    }
}

fn field(name: &str, number: u64) -> (String, Field) {
    (name.to_owned(), Field::Number(number))
}

fn text(name: &str, value: impl ToString) -> (String, Field) {
    (name.to_owned(), Field::Text(value.to_string()))
}

/// Whole numbers as such; those below zero as text.
fn signed(name: &str, number: i64) -> (String, Field) {
    u64::try_from(number).map_or_else(|_| text(name, number), |number| field(name, number))
}

fn list(blocks: &[SealedBlock]) -> Fields {
    let ends = blocks.first().zip(blocks.last());
    let ends = ends.map(|(first, last)| [field("start", first.height()), field("end", last.height())]);
    [field("count", blocks.len() as u64)].into_iter().chain(ends.into_iter().flatten()).collect()
}

fn fields(message: &Message) -> Fields {
    let of_block = |block: &SealedBlock| [field("height", block.height()), text("hash", block.hash())].into();
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
        Message::BlocksResponse(blocks) | Message::BlockRangeResponse(blocks) => list(blocks),
        Message::BlockHeightResponse(height)
        | Message::BlockInventory(height)
        | Message::BlockRequest(height)
        | Message::GetBlockHash(height) => [field("height", *height)].into(),
        Message::ChainTipResponse { height, hash } => [field("height", *height), text("hash", hash)].into(),
        Message::BlockHashResponse { height, hash } => {
            let hash = hash.map(|hash| text("hash", hash));
            [field("height", *height)].into_iter().chain(hash).collect()
        }
        Message::BlockResponse(block)
        | Message::BlockAnnouncement(block)
        | Message::GenesisAnnouncement(block) => of_block(block),
        Message::GenesisHashResponse(hash) => [text("hash", hash)].into(),
        Message::PeersResponse(peers) => [field("count", peers.len() as u64)].into(),
        Message::MasternodesResponse(nodes) => [field("count", nodes.len() as u64)].into(),
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

/// Records for one connection.
pub struct Recorder {
    /// The other end's name.
    node: String,
    record: Recording,
    repeats: BTreeMap<(bool, Cow<'static, str>), Repeats>,
}

/// One kind of message in the second since `since`.
struct Repeats {
    since: Instant,
    seen: u32,
    /// Not recorded yet, and the last of them.
    summed: u64,
    last: Fields,
}

impl Recorder {
    /// For a connection with `node`.
    pub fn new(node: String, record: Recording) -> Self {
        Self { node, record, repeats: BTreeMap::new() }
    }

    /// Records, or adds to a sum.
    pub fn note(&mut self, sent: bool, note: Note) {
        if !SUMMED.contains(&&*note.message) {
            return (self.record)(note.seen(&self.node, sent));
        }
        self.flush();
        let repeats = self.repeats.entry((sent, note.message.clone())).or_insert_with(Repeats::begin);
        repeats.seen += 1;
        if repeats.seen <= ONE_BY_ONE {
            (self.record)(note.seen(&self.node, sent));
        } else {
            repeats.summed += 1;
            repeats.last = note.fields;
        }
    }

    /// When the next sum is due to be [flushed](Self::flush).
    pub fn due(&self) -> Option<Instant> {
        let summing = self.repeats.values().filter(|repeats| repeats.summed > 0);
        summing.map(|repeats| repeats.since + WINDOW).min()
    }

    /// Records the sums of seconds that are over: one record each, `count` and the last one's fields but its nonce.
    pub fn flush(&mut self) {
        let now = Instant::now();
        self.flush_if(|repeats| repeats.since + WINDOW <= now);
    }

    fn flush_if(&mut self, over: impl Fn(&Repeats) -> bool) {
        for ((sent, message), repeats) in &mut self.repeats {
            if !over(repeats) {
                continue;
            }
            let flood = repeats.summed > 0;
            if flood {
                let mut fields = std::mem::take(&mut repeats.last);
                fields.remove("nonce");
                fields.extend([field("count", repeats.summed)]);
                let note = Note { message: message.clone(), fields };
                (self.record)(note.seen(&self.node, *sent));
            }
            // A flood goes on as sums only.
            let seen = if flood { ONE_BY_ONE } else { 0 };
            *repeats = Repeats { seen, ..Repeats::begin() };
        }
    }
}

impl Repeats {
    fn begin() -> Self {
        Self { since: Instant::now(), seen: 0, summed: 0, last: Fields::new() }
    }
}

impl Drop for Recorder {
    /// The connection's last second isn't lost.
    fn drop(&mut self) {
        self.flush_if(|_| true);
    }
}
