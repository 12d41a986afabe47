//! What an honest peer answers (wire protocol, Messages for sync).
use node::wire::{MAGIC, Message, PROTOCOL_VERSION};

use super::scene::Scene;

/// What it says first to a node that it dials.
pub fn handshake() -> Message {
    Message::Handshake {
        magic: MAGIC,
        protocol_version: PROTOCOL_VERSION,
        network: "testnet".to_owned(),
    }
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
        Message::Ping { nonce, .. } => Message::Pong {
            nonce,
            timestamp: scene.unix_s(),
            height: Some(scene.told),
        },
        Message::GetBlockHeight => Message::BlockHeightResponse(scene.told),
        Message::GetChainTip => Message::ChainTipResponse {
            height: scene.told,
            hash: served.hash_near(scene.told),
        },
        Message::GetBlocks(start, end) => Message::BlocksResponse(served.range(start, end)),
        Message::GetBlockRange { start_height, end_height } => {
            Message::BlockRangeResponse(served.range(start_height, end_height))
        }
        Message::BlockRequest(height) => Message::BlockResponse(served.block(height)?),
        Message::GetBlockHash(height) => Message::BlockHashResponse { height, hash: served.hash(height) },
        Message::GetGenesisHash => Message::GenesisHashResponse(served.hash_near(0)),
        Message::RequestGenesis => Message::GenesisAnnouncement(served.block(0)?),
        Message::GetPeers => Message::PeersResponse(Vec::new()),
        Message::GetMasternodes => Message::MasternodesResponse(Vec::new()),
        _ => return None,
    })
}
