//! The words that patterns may use: names of log events and of messages.

/// Events of the canonical log lines, which the conformance text names.
pub const CANONICAL_EVENTS: [&str; 25] = [
    "ping_sent",
    "ping_received",
    "pong_missed",
    "peer_unresponsive",
    "masternode_unresponsive",
    "reconnecting",
    "behind",
    "no_peer",
    "peer_ahead",
    "ahead",
    "in_sync",
    "requested",
    "send_failed",
    "received",
    "request_failed",
    "priority_sync",
    "off_consensus",
    "fork_detected",
    "priority_fork",
    "ancestor_found",
    "reorg",
    "fork_kept",
    "fork_gave_up",
    "block_rejected",
    "banned",
];

/// Further events that the reference node logs; another node need not.
pub const REFERENCE_EVENTS: [&str; 11] = [
    "started",
    "listening",
    "connected",
    "disconnected",
    "dial_failed",
    "refused",
    "foreign_genesis",
    "blocks_deferred",
    "produced",
    "appended",
    "sync_stopped",
];

/// Messages by their names on the wire.
pub const MESSAGES: [&str; 29] = [
    "Handshake",
    "Ack",
    "Ping",
    "Pong",
    "GetBlockHeight",
    "BlockHeightResponse",
    "GetChainTip",
    "ChainTipResponse",
    "GetBlocks",
    "BlocksResponse",
    "GetBlockRange",
    "BlockRangeResponse",
    "BlockInventory",
    "BlockRequest",
    "BlockResponse",
    "BlockAnnouncement",
    "GetBlockHash",
    "BlockHashResponse",
    "GetGenesisHash",
    "GenesisHashResponse",
    "RequestGenesis",
    "GenesisAnnouncement",
    "GetPeers",
    "PeersResponse",
    "GetMasternodes",
    "MasternodesResponse",
    "MasternodeAnnouncement",
    "Version",
    // Both requests for a range of blocks, `GetBlocks` and `GetBlockRange`, with the fields `start` and `end`.
    "blocks_asked",
];

/// The known word that is spelled most like `word`, if one is close.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let distance = |other: &str| strsim::damerau_levenshtein(&lower, &other.to_lowercase());
    let (near, distance) =
        known.into_iter().map(|other| (other, distance(other))).min_by_key(|(_, distance)| *distance)?;
    let length = word.chars().count();
    (distance < length && distance <= length.div_ceil(3)).then_some(near)
}

/// Advice for a word that is not among `known`: the nearest one, and those that are allowed.
pub fn allowed<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let hint = nearest(word, known.clone()).map(|near| format!("did you mean `{near}`?\n")).unwrap_or_default();
    let mut list = String::from("allowed:");
    let mut width = list.len();
    for (index, word) in known.into_iter().enumerate() {
        if index == MOST_LISTED {
            return hint + &list + ", …";
        }
        list += if index > 0 { "," } else { "" };
        width += word.len() + 2;
        if width > LIST_WIDTH {
            list += "\n ";
            width = word.len();
        }
        list = list + " " + word;
    }
    if list == "allowed:" { hint + "nothing is allowed here" } else { hint + &list }
}

const MOST_LISTED: usize = 60;
const LIST_WIDTH: usize = 100;
