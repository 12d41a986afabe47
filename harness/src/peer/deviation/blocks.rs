//! Block lists in another order, with more in them, or with a bad block.
use node::chain::{BLOCK_REWARD, Block, Hash, Height, SealedBlock};
use node::wire::Message;
use rand::seq::SliceRandom;

use super::{Deviant, Outgoing, Scene, asks_blocks};
use crate::scenario::file::Flaw;

/// Blocks in a line of extra ones.
const EXTRA_AT_ONCE: usize = 100;

/// Seconds that a block with a bad timestamp is ahead.
const AHEAD: i64 = 3_600;

/// In an order drawn from the seed.
pub struct Shuffled;

impl Deviant for Shuffled {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, scene: &mut Scene) {
        for blocks in out.iter_mut().filter(|_| asks_blocks(request)).filter_map(Outgoing::blocks) {
            blocks.shuffle(&mut scene.rng);
        }
    }
}

/// Each twice.
pub struct Duplicated;

impl Deviant for Duplicated {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for blocks in out.iter_mut().filter(|_| asks_blocks(request)).filter_map(Outgoing::blocks) {
            *blocks = blocks.iter().flat_map(|block| [block.clone(), block.clone()]).collect();
        }
    }
}

/// From the last to the first.
pub struct Reversed;

impl Deviant for Reversed {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for blocks in out.iter_mut().filter(|_| asks_blocks(request)).filter_map(Outgoing::blocks) {
            blocks.reverse();
        }
    }
}

/// So many blocks after the answer's highest, in further lines.
pub struct Extra(pub u64);

impl Deviant for Extra {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, scene: &mut Scene) {
        let lists = out.iter_mut().filter(|_| asks_blocks(request)).filter_map(Outgoing::blocks);
        let Some(highest) = lists.flatten().map(|block| block.height()).max() else { return };
        let extra = scene.served.beyond(highest + 1, highest.saturating_add(self.0));
        out.extend(extra.chunks(EXTRA_AT_ONCE).map(|part| match request {
            Some(Message::GetBlocks(..)) => Message::BlocksResponse(part.to_vec()).into(),
            _ => Message::BlockRangeResponse(part.to_vec()).into(),
        }));
    }
}

/// A bad block at a height, wherever that block is sent. Hashes that it tells stay those of the good chain.
pub struct Invalid {
    pub at: Height,
    pub flaw: Flaw,
}

impl Deviant for Invalid {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, scene: &mut Scene) {
        let now = scene.unix_s();
        for message in out.iter_mut().filter_map(Outgoing::message) {
            let blocks = match message {
                Message::BlocksResponse(blocks) | Message::BlockRangeResponse(blocks) => blocks.as_mut_slice(),
                Message::BlockResponse(block) | Message::BlockAnnouncement(block) => std::slice::from_mut(block),
                _ => continue,
            };
            for block in blocks.iter_mut().filter(|block| block.height() == self.at) {
                *block = flawed(block, self.flaw, now);
            }
        }
    }
}

/// `block` with one thing wrong, and everything else as it was.
fn flawed(block: &SealedBlock, flaw: Flaw, now: i64) -> SealedBlock {
    let mut block = Block::clone(block);
    let header = &mut block.header;
    match flaw {
        Flaw::PreviousHash => header.previous_hash.0[0] ^= 1,
        Flaw::MerkleRoot => header.merkle_root.0[0] ^= 1,
        Flaw::Height => header.height = header.height.wrapping_add(1),
        Flaw::ZeroPreviousHash => header.previous_hash = Hash::ZERO,
        Flaw::Timestamp => header.timestamp = now.saturating_add(AHEAD),
        Flaw::Reward => {
            header.block_reward = BLOCK_REWARD + 1;
            // Their sum still is the reward, so that only its amount is wrong.
            block.masternode_rewards = vec![("10.77.0.1".to_owned(), BLOCK_REWARD + 1)];
        }
    }
    SealedBlock::new(block)
}
