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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::peer::testing::{Play, ask, met, part, ping};
    use crate::scenario::file::Deviation;
    use crate::scenario::resolved::Peer;

    #[tokio::test(start_paused = true)]
    async fn a_listening_production_node_answers_all_but_caps_get_blocks() {
        let (_play, mut end) = met([Deviation::Production]).await;
        assert_eq!(end.heights(&Message::GetBlocks(0, 400)).await, (0..=100).collect::<Vec<_>>());
        assert_eq!(end.heights(&ask(1, 400)).await, (1..=400).collect::<Vec<_>>());
        for request in [Message::GetChainTip, Message::GetBlockHash(3)] {
            assert!(end.ask(&request).await.name().ends_with("Response"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dialling_production_node_pings_twice_and_ignores_requests() {
        let peer = Peer { dials: vec!["n".to_owned()], ..part(vec![Deviation::Production]) };
        let mut play = Play::begin(peer).await;
        let mut end = play.dialled().await;
        let first = end.line().await.unwrap();
        assert!(first.contains("mainnet") && first.ends_with("}\r\n"), "{first}");
        assert_eq!((end.told().await, end.told().await), (Some(1_000), Some(1_000)));
        for request in
            [Message::GetBlockHeight, Message::GetChainTip, Message::GetPeers, Message::GetBlockHash(1), ask(1, 2)]
        {
            end.send(&request).await;
        }
        assert!(end.silent(Duration::from_secs(20)).await);
        assert_eq!(end.heights(&Message::GetBlocks(1, 2)).await, [1, 2]);
        assert_eq!(end.ask(&ping(1)).await.name(), "Pong");
        assert_eq!(play.recorded(true, "Ping").len(), 2, "later one at a time");
    }
}
