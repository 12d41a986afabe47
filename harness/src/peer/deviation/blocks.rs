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
        let Some(highest) = lists.flatten().map(|block| block.height()).max() else {
            return;
        };
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

#[cfg(test)]
mod tests {
    use node::chain::{BlockError, check};

    use super::*;
    use crate::peer::testing::{NOW, ask, main, met};
    use crate::scenario::file::Deviation;

    #[tokio::test(start_paused = true)]
    async fn lists_come_in_another_order() {
        let (_play, mut end) = met([Deviation::ReversedBlocks]).await;
        assert_eq!(end.heights(&ask(1, 4)).await, [4, 3, 2, 1]);
        let (_play, mut end) = met([Deviation::DuplicatedBlocks]).await;
        assert_eq!(end.heights(&Message::GetBlocks(1, 3)).await, [1, 1, 2, 2, 3, 3]);
        let mut shuffled = Vec::new();
        for _ in 0..2 {
            let (_play, mut end) = met([Deviation::ShuffledBlocks]).await;
            shuffled.push(end.heights(&ask(1, 50)).await);
        }
        assert_eq!(shuffled[0], shuffled[1], "drawn from the seed");
        assert!(!shuffled[0].is_sorted());
        shuffled[0].sort_unstable();
        assert_eq!(shuffled[0], (1..=50).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn extra_blocks_follow_over_several_lines() {
        let (_play, mut end) = met([Deviation::ExtraBlocks(250)]).await;
        assert_eq!(end.heights(&ask(990, 995)).await, (990..=995).collect::<Vec<_>>());
        for (start, end_height) in [(996, 1_095), (1_096, 1_195), (1_196, 1_245)] {
            assert_eq!(end.next_heights().await, (start..=end_height).collect::<Vec<_>>());
        }
        let none = end.heights(&ask(5_000, 6_000)).await;
        assert!(none.is_empty(), "nothing comes after nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn an_invalid_block_is_wrong_in_one_way_wherever_it_is_served() {
        let main = main();
        let parent = main.block(249).unwrap().tip();
        for flaw in
            [Flaw::PreviousHash, Flaw::MerkleRoot, Flaw::Height, Flaw::ZeroPreviousHash, Flaw::Timestamp, Flaw::Reward]
        {
            let (_play, mut end) = met([Deviation::InvalidBlock { at: 250, flaw }]).await;
            let Message::BlockRangeResponse(blocks) = end.ask(&ask(249, 251)).await else { panic!() };
            assert_eq!((main.block(249), main.block(251)), (blocks.first().cloned(), blocks.last().cloned()));
            let error = check(&parent, &blocks[1], NOW).unwrap_err();
            match flaw {
                Flaw::PreviousHash => assert!(error.is_link(), "{error}"),
                Flaw::MerkleRoot => assert_eq!(error, BlockError::MerkleRoot),
                Flaw::Height => assert!(matches!(error, BlockError::Height { .. }), "{error}"),
                Flaw::ZeroPreviousHash => assert_eq!(error, BlockError::ZeroPreviousHash),
                Flaw::Timestamp => {
                    assert!(matches!(error, BlockError::AheadOfClock { .. }), "{error}")
                }
                Flaw::Reward => {
                    assert!(matches!(error, BlockError::RewardTooHigh { .. }), "{error}")
                }
            }
            let one = end.ask(&Message::BlockRequest(250)).await;
            assert_eq!(one, Message::BlockResponse(blocks[1].clone()));
            let hash = end.ask(&Message::GetBlockHash(250)).await;
            let told = main.block(250).map(|block| block.hash());
            assert_eq!(hash, Message::BlockHashResponse { height: 250, hash: told });
        }
    }
}
