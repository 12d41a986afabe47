//! What an honest peer answers (wire protocol, Messages for sync).
use node::chain::Json;
use node::wire::{MAGIC, Message, PROTOCOL_VERSION};

use super::scene::Scene;

/// What it says first to a node that it dials.
pub fn handshake() -> Message {
    Message::Handshake { magic: MAGIC, protocol_version: PROTOCOL_VERSION, network: "testnet".to_owned() }
}

/// Its answer to a node that dialled it.
pub fn ack() -> Message {
    Message::Ack { message_type: "Handshake".to_owned() }
}

/// Whether a node's first message is a good handshake.
pub fn accepts(first: &Message) -> bool {
    matches!(first, Message::Handshake { magic, protocol_version, network }
        if *magic == MAGIC && *protocol_version == PROTOCOL_VERSION && ["mainnet", "testnet"].contains(&network.as_str()))
}

/// The answer to `request`; `None` for what isn't one, or asks for a block that it doesn't have.
pub fn answer(scene: &Scene, request: &Message) -> Option<Message> {
    let served = &scene.served;
    Some(match *request {
        Message::Ping { nonce, .. } => Message::Pong { nonce, timestamp: scene.unix_s(), height: Some(scene.told) },
        Message::GetBlockHeight => Message::BlockHeightResponse(scene.told),
        Message::GetChainTip => Message::ChainTipResponse { height: scene.told, hash: served.hash_near(scene.told) },
        Message::GetBlocks(start, end) => Message::BlocksResponse(served.range(start, end)),
        Message::GetBlockRange { start_height, end_height } => {
            Message::BlockRangeResponse(served.range(start_height, end_height))
        }
        Message::BlockRequest(height) => Message::BlockResponse(served.block(height)?),
        Message::GetBlockHash(height) => Message::BlockHashResponse { height, hash: served.hash(height) },
        Message::GetGenesisHash => Message::GenesisHashResponse(served.hash_near(0)),
        Message::RequestGenesis => Message::GenesisAnnouncement(served.block(0)?),
        Message::GetPeers => Message::PeersResponse(Vec::new()),
        Message::GetMasternodes => Message::MasternodesResponse(Json::empty_list()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use node::chain::Hash;
    use tokio::time::Instant;

    use super::*;
    use crate::peer::testing::{self, NOW, met, met_by};

    #[tokio::test(start_paused = true)]
    async fn an_honest_peer_answers_every_request_in_both_directions() {
        let main = testing::main();
        let hash = |height| main.block(height).map(|block| block.hash());
        let tip = Message::ChainTipResponse { height: 1_000, hash: hash(1_000).unwrap() };
        for (_play, mut end) in [met([]).await, met_by([]).await] {
            for (request, answer) in [
                (
                    Message::Ping { nonce: u64::MAX, timestamp: i64::MIN, height: None },
                    Message::Pong { nonce: u64::MAX, timestamp: NOW, height: Some(1_000) },
                ),
                (Message::GetBlockHeight, Message::BlockHeightResponse(1_000)),
                (Message::GetChainTip, tip.clone()),
                (testing::ask(999, u64::MAX), Message::BlockRangeResponse(main.upto(1_000).skip(999).collect())),
                (Message::GetBlocks(7, 7), Message::BlocksResponse(main.upto(7).skip(7).collect())),
                (Message::GetBlocks(8, 7), Message::BlocksResponse(Vec::new())),
                (Message::BlockRequest(5), Message::BlockResponse(main.block(5).unwrap())),
                (Message::GetBlockHash(5), Message::BlockHashResponse { height: 5, hash: hash(5) }),
                (Message::GetBlockHash(1_001), Message::BlockHashResponse { height: 1_001, hash: None }),
                (Message::GetGenesisHash, Message::GenesisHashResponse(hash(0).unwrap())),
                (Message::RequestGenesis, Message::GenesisAnnouncement(main.block(0).unwrap())),
                (Message::GetPeers, Message::PeersResponse(Vec::new())),
                (Message::GetMasternodes, Message::MasternodesResponse(Json::empty_list())),
            ] {
                assert_eq!(end.ask(&request).await, answer, "{request:?}");
            }
            for ignored in [
                Message::BlockRequest(1_001),
                Message::BlockInventory(5_000),
                Message::GenesisHashResponse(Hash::ZERO),
                Message::BlockHeightResponse(3),
            ] {
                end.send(&ignored).await;
            }
            assert!(end.silent(Duration::from_secs(70)).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_pings_after_the_handshake_and_each_30_seconds() {
        for dials in [false, true] {
            let began = Instant::now();
            let (play, mut end) = if dials { met_by([]).await } else { met([]).await };
            let mut seconds = Vec::new();
            for _ in 0..4 {
                assert_eq!(end.told().await, Some(1_000));
                seconds.push(began.elapsed().as_secs_f64().round());
            }
            assert_eq!(seconds, [0.0, 30.0, 60.0, 90.0]);
            let pings = play.recorded(true, "Ping");
            let nonces: std::collections::BTreeSet<_> =
                pings.iter().map(|ping| testing::number(ping, "nonce")).collect();
            assert_eq!(nonces.len(), 4, "each has its own nonce");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_closes_what_does_not_begin_with_a_good_handshake() {
        let bad = |magic, protocol_version, network: &str| Message::Handshake {
            magic,
            protocol_version,
            network: network.to_owned(),
        };
        for first in [testing::ping(1), bad(*b"EMIT", 1, "testnet"), bad(MAGIC, 2, "testnet"), bad(MAGIC, 1, "regtest")]
        {
            let play = testing::Play::begin(testing::part(Vec::new())).await;
            let mut end = play.dial().await;
            end.send(&first).await;
            assert_eq!(end.next().await, None, "{first:?}");
        }
    }
}
