//! The words that patterns may use: names of log events and of messages, and of their fields.

/// Log events with their fields: those of the canonical log lines, then further ones of the reference node, which another
/// node need not have. Every line has a `level`, too.
pub const LOG_EVENTS: [(&str, &[&str]); 37] = [
    ("ping_sent", &["ip", "direction", "height", "nonce"]),
    ("ping_received", &["ip", "direction", "height", "nonce"]),
    ("pong_missed", &["ip", "direction", "missed", "max"]),
    ("peer_unresponsive", &["ip", "direction", "missed", "timeout"]),
    ("masternode_unresponsive", &["ip", "direction", "missed", "timeout"]),
    ("reconnecting", &["ip", "whitelisted", "after"]),
    ("behind", &["our", "consensus", "ip"]),
    ("no_peer", &["our", "consensus"]),
    ("peer_ahead", &["ip", "blocks"]),
    ("ahead", &["our", "consensus"]),
    ("in_sync", &["our", "consensus"]),
    ("requested", &["start", "end", "count", "ip", "timeout", "whitelisted", "hedge"]),
    ("send_failed", &["ip", "reason"]),
    ("received", &["count", "start", "end", "ip", "direction", "whitelisted"]),
    ("request_failed", &["start", "end", "ip", "reason", "whitelisted", "benched"]),
    ("priority_sync", &["ip", "tip", "our"]),
    ("off_consensus", &["ip", "agree", "total", "tip"]),
    ("fork_detected", &["height", "ours", "ip", "theirs"]),
    ("priority_fork", &["ip", "depth"]),
    ("ancestor_found", &["ip", "height", "depth", "round_trips"]),
    ("reorg", &["old_height", "old_tip", "new_height", "new_tip", "ancestor"]),
    ("fork_kept", &["ip", "reason"]),
    ("fork_gave_up", &["ip", "reason"]),
    ("block_rejected", &["height", "ip", "reason"]),
    ("banned", &["ip", "duration", "reason"]),
    ("started", &["height", "tip", "time_scale"]),
    ("time_scale", &["time_scale"]),
    ("connected", &["ip", "direction", "whitelisted"]),
    ("disconnected", &["ip", "direction", "by_us", "reason"]),
    ("dial_failed", &["ip", "reason"]),
    ("gave_up_dialling", &["ip", "failures"]),
    ("refused", &["ip", "direction", "reason"]),
    ("foreign_genesis", &["ip", "theirs"]),
    ("produced", &["height", "hash"]),
    ("appended", &["height", "tip", "count"]),
    ("write_failed", &["reason"]),
    // Any line.
    ("any", &[]),
];

/// Messages by their names on the wire, with the fields that are recorded of them; the `count` of a request is how many blocks it is for. Each has `node`, the sender, too.
pub const MESSAGES: [(&str, &[&str]); 29] = [
    ("Handshake", &["magic", "protocol_version", "network"]),
    ("Ack", &["message_type"]),
    ("Ping", &["nonce", "timestamp", "height", "count"]),
    ("Pong", &["nonce", "timestamp", "height", "count"]),
    ("GetBlockHeight", &[]),
    ("BlockHeightResponse", &["height"]),
    ("GetChainTip", &[]),
    ("ChainTipResponse", &["height", "hash"]),
    ("GetBlocks", &["start", "end", "count"]),
    ("BlocksResponse", &["count", "start", "end", "broken"]),
    ("GetBlockRange", &["start", "end", "count"]),
    ("BlockRangeResponse", &["count", "start", "end", "broken"]),
    ("BlockInventory", &["height"]),
    ("BlockRequest", &["height"]),
    ("BlockResponse", &["height", "hash"]),
    ("BlockAnnouncement", &["height", "hash", "count"]),
    ("GetBlockHash", &["height"]),
    ("BlockHashResponse", &["height", "hash"]),
    ("GetGenesisHash", &[]),
    ("GenesisHashResponse", &["hash"]),
    ("RequestGenesis", &[]),
    ("GenesisAnnouncement", &["height", "hash"]),
    ("GetPeers", &[]),
    ("PeersResponse", &["count"]),
    ("GetMasternodes", &[]),
    ("MasternodesResponse", &["count"]),
    ("MasternodeAnnouncement", &["address", "tier"]),
    ("Version", &[]),
    // Both requests for a range of blocks, `GetBlocks` and `GetBlockRange`.
    ("blocks_asked", &["start", "end", "count"]),
];

/// Fields of what happens to connections: the other end, and who closed it.
pub const CONNECTION_FIELDS: [&str; 2] = ["peer", "by"];

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
