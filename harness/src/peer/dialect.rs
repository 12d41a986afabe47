//! How a subject's blocks and hashes are on the wire. Scripted peers think in v1 blocks, whatever their subject's format is.
//!
//! Only what is sent is translated: no peer looks at the hashes and blocks that it hears.
use std::collections::BTreeMap;
use std::iter::repeat_with;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use node::chain::{BuiltChain, Hash, Height, SealedBlock};
use node::wire::{Decoded, Message, WireError, decode, encode};
use serde::Deserialize;

use super::format::{BlockFormat, Extra, Later};
use super::ledger::Ledger;
use super::note::{Note, Told, blocks};

/// A ledger's way of writing blocks. A clone shares what it has learnt.
#[derive(Debug, Clone, Default)]
pub struct Dialect(Option<Arc<Translation>>);

/// From the reference node's ledger, which needs none, to another.
#[derive(Debug)]
struct Translation {
    ledger: Ledger,
    /// By v1 hash; with a block all below it, too.
    known: Mutex<BTreeMap<Hash, Known>>,
}

/// A block of a built chain on the wire.
#[derive(Debug, Clone, Copy)]
struct Known {
    hash: Hash,
    /// The number by which its hash is as low as wanted.
    vrf_score: u64,
    /// Of its compact JSON.
    bytes: usize,
}

/// A block on the wire.
struct Translated {
    json: Vec<u8>,
    told: Told,
    vrf_score: u64,
}

impl Dialect {
    /// That of `ledger`.
    pub fn of(ledger: &Ledger) -> Self {
        if *ledger == Ledger::default() {
            return Self::default();
        }
        let genesis = ledger.genesis.iter().map(|genesis| {
            let known = Known { hash: genesis.hash(ledger.block_format), vrf_score: 0, bytes: genesis.json().len() };
            (genesis.block().hash(), known)
        });
        let known = Mutex::new(genesis.collect());
        Self(Some(Arc::new(Translation { ledger: ledger.clone(), known })))
    }

    /// Learns a chain's blocks: only of known blocks can others tell, and name as their parents, the hashes on the wire. The block
    /// at the height in `lower_than` gets a hash below that of the known block there.
    pub fn learn(&self, chain: &BuiltChain, lower_than: Option<(Height, Hash)>) {
        let Some(translation) = &self.0 else { return };
        let mut known = translation.known();
        let heights = (0..=chain.tip().height).rev();
        let new = heights.map_while(|height| chain.block(height).filter(|block| !known.contains_key(&block.hash())));
        for block in new.collect::<Vec<_>>().into_iter().rev() {
            let bound = lower_than.filter(|(height, _)| *height == block.height());
            let bound = bound.and_then(|(_, other)| known.get(&other)).map(|other| other.hash);
            let Translated { json, told, vrf_score } = translation.translate(&block, &known, bound);
            known.insert(block.hash(), Known { hash: told.hash, vrf_score, bytes: json.len() });
        }
    }

    /// The hash on the wire of the block with this v1 hash; the same where no such block is known.
    pub fn hash(&self, v1: Hash) -> Hash {
        let known = self.0.as_ref().and_then(|translation| translation.known().get(&v1).copied());
        known.map_or(v1, |known| known.hash)
    }

    /// Bytes of a block's compact JSON on the wire.
    pub fn json_len(&self, block: &SealedBlock) -> usize {
        self.0.as_ref().map_or(block.json_len(), |translation| {
            let known = translation.known();
            let bytes = known.get(&block.hash()).map(|known| known.bytes);
            bytes.unwrap_or_else(|| translation.translate(block, &known, None).json.len())
        })
    }

    /// The line for `message`, with its `\n`, and what is noted of it: hashes as they are on the wire.
    pub fn write(&self, message: &Message) -> (Vec<u8>, Note) {
        let Some(translation) = &self.0 else { return (encode(message), Note::from(message)) };
        let message = match message {
            Message::ChainTipResponse { height, hash } => {
                &Message::ChainTipResponse { height: *height, hash: self.hash(*hash) }
            }
            Message::BlockHashResponse { height, hash } => {
                &Message::BlockHashResponse { height: *height, hash: hash.map(|hash| self.hash(hash)) }
            }
            Message::GenesisHashResponse(hash) => &Message::GenesisHashResponse(self.hash(*hash)),
            other => other,
        };
        if blocks(message).is_empty() {
            return (encode(message), Note::from(message));
        }
        let known = translation.known();
        let written = blocks(message).iter().map(|block| translation.translate(block, &known, None));
        let (texts, told): (Vec<_>, Vec<_>) = written.map(|block| (block.json, block.told)).unzip();
        let list = matches!(message, Message::BlocksResponse(_) | Message::BlockRangeResponse(_));
        let [open, close]: [&[u8]; 2] = if list { [b"[", b"]}\n"] } else { [b"", b"}\n"] };
        let tag = format!("{{\"{}\":", message.name());
        let line = [tag.as_bytes(), open, &texts.join(&b","[..]), close].concat();
        (line, Note::telling(message, &told))
    }

    /// What a line holds, and what is noted of it; `None` for an empty one.
    pub fn read(&self, line: &[u8]) -> (Result<Decoded, WireError>, Option<Note>) {
        let decoded = decode(line);
        let note = match (&self.0, &decoded) {
            (Some(translation), Ok(Decoded::Message(message))) if !blocks(message).is_empty() => {
                Some(Note::telling(message, &heard(translation.ledger.block_format, line, blocks(message))))
            }
            _ => Note::line(&decoded, line.len()),
        };
        (decoded, note)
    }
}

impl Translation {
    fn known(&self) -> MutexGuard<'_, BTreeMap<Hash, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Any block as it is on the wire; one that isn't known yet with a hash below `bound`.
    fn translate(&self, block: &SealedBlock, known: &BTreeMap<Hash, Known>, bound: Option<Hash>) -> Translated {
        let format = self.ledger.block_format;
        let (height, previous_hash) = (block.height(), block.previous_hash());
        if let Some(genesis) = self.ledger.genesis.as_ref().filter(|genesis| genesis.block() == block) {
            let told = Told { height, previous_hash, hash: genesis.hash(format) };
            return Translated { json: genesis.json().into(), told, vrf_score: 0 };
        }
        let previous_hash = known.get(&previous_hash).map_or(previous_hash, |known| known.hash);
        let shaped = format.shape(block, previous_hash);
        let hash = |vrf_score| format.hash(&shaped.header, &Extra { vrf_score, ..Extra::default() });
        let vrf_score = match (known.get(&block.hash()), bound) {
            (Some(known), _) => known.vrf_score,
            (None, Some(bound)) => (0..=u64::MAX).find(|score| hash(*score) < bound).unwrap_or_default(),
            (None, None) => 0,
        };
        let told = Told { height, previous_hash, hash: hash(vrf_score) };
        Translated { json: format.json(&shaped, vrf_score), told, vrf_score }
    }
}

/// The messages with blocks, as far as later formats hash more of these.
#[derive(Deserialize)]
enum Heard {
    BlocksResponse(Vec<Later>),
    BlockRangeResponse(Vec<Later>),
    BlockResponse(Later),
    BlockAnnouncement(Later),
    GenesisAnnouncement(Later),
}

/// What the blocks of a line tell in this format. Fields of a type that the text doesn't have are as good as missing.
fn heard(format: BlockFormat, line: &[u8], blocks: &[SealedBlock]) -> Vec<Told> {
    let later = match serde_json::from_slice(line) {
        Ok(Heard::BlocksResponse(later) | Heard::BlockRangeResponse(later)) => later,
        Ok(Heard::BlockResponse(one) | Heard::BlockAnnouncement(one) | Heard::GenesisAnnouncement(one)) => vec![one],
        Err(_) => Vec::new(),
    };
    let extras = later.into_iter().map(|later| later.header).chain(repeat_with(Extra::default));
    let told = |(block, extra): (&SealedBlock, Extra)| Told {
        height: block.height(),
        previous_hash: block.previous_hash(),
        hash: format.hash(&block.header, &extra),
    };
    blocks.iter().zip(extras).map(told).collect()
}

#[cfg(test)]
mod tests;
