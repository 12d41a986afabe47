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
    let scored = known.into_iter().map(|candidate| {
        (
            strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
            candidate,
        )
    });
    let limit = word.chars().count().div_ceil(3).max(1);
    scored
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, candidate)| candidate)
}
