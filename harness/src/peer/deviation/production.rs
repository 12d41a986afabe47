//! What the production network's nodes do otherwise than the wire protocol's text has it.
use node::wire::Message;

use super::{Deviant, Outgoing, Scene};

/// Blocks of an answer to `GetBlocks` (wire protocol, Messages for sync: 100 or 101).
const MOST_BLOCKS: usize = 101;

/// All of production's habits: CRLF; the network `mainnet`; two pings with the handshake; at most 101 blocks in answer to `GetBlocks`;
/// requests that it ignores where it dialled. (What it ignores where it listens are answers, which mean nothing to a scripted peer.)
pub struct Production;

impl Deviant for Production {
    fn pings(&self, first: bool, count: u32) -> u32 {
        if first { 2 * count } else { count }
    }

    fn hears(&mut self, heard: &Message, scene: &Scene) -> bool {
        let ignored = matches!(
            heard,
            Message::GetBlockHeight
                | Message::GetChainTip
                | Message::GetPeers
                | Message::GetBlockHash(_)
                | Message::GetBlockRange { .. }
        );
        !(scene.dialled && ignored)
    }

    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for one in out {
            one.crlf = true;
            match one.message() {
                Some(Message::Handshake { network, .. }) => *network = "mainnet".to_owned(),
                Some(Message::BlocksResponse(blocks)) => blocks.truncate(MOST_BLOCKS),
                _ => {}
            }
        }
    }
}
