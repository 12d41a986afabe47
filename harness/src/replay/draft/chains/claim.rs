//! Hashes at heights, and who has them.
use super::conflict::sender;
use crate::history::Field;
use crate::replay::draft::cast::Cast;
use crate::replay::incident::Incident;
use crate::replay::told::Place;

/// A party says, or is said, to have this block.
pub(super) struct Claim {
    pub party: usize,
    pub height: u64,
    pub hash: String,
    /// It says so itself, by this event of its log.
    pub own: bool,
    pub event: usize,
    pub place: Place,
}

/// Hashes at heights: those that lines of forks and of skipped blocks tell.
pub(super) fn claims(incident: &Incident, cast: &Cast) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut unnamed = Vec::new();
    for (index, host) in incident.hosts.iter().enumerate() {
        let Some(party) = cast.host(index) else { continue };
        for (at, event) in host.events.iter().enumerate() {
            let Some(Field::Number(height)) = event.fields.get("height") else { continue };
            let (fields, height) = match event.name.as_str() {
                "fork_detected" => (["ours", "theirs"], *height),
                // The parent that the block should have, and the one that it has.
                "block_rejected" => (["expected", "got"], height.saturating_sub(1)),
                _ => continue,
            };
            let hash = |field: &str| Some(event.fields.get(field)?.to_string().chars().take(8).collect::<String>());
            let (Some(ours), Some(theirs)) = (hash(fields[0]), hash(fields[1])) else { continue };
            let claim = |party, hash, own| Claim { party, height, hash, own, event: at, place: event.place };
            claims.push(claim(party, ours, true));
            let sender = (fields[0] == "expected").then(|| sender(host, event, cast)).flatten();
            match event.peer.and_then(|ip| cast.at(ip)).or(sender) {
                Some(other) => claims.push(claim(other, theirs, false)),
                None => unnamed.push((index, claim(party, theirs, false))),
            }
        }
    }
    // A hash that no host with a log has: somebody's of whom nothing else is known.
    for (index, claim) in unnamed {
        if claims.iter().any(|known| known.height == claim.height && known.hash == claim.hash) {
            continue;
        }
        let silent = |party: &usize| claims.iter().all(|known| known.party != *party);
        let peers = incident.hosts[index].peers.keys().filter_map(|ip| cast.at(*ip));
        if let Some(party) = peers.filter(|party| *party != claim.party).find(silent) {
            claims.push(Claim { party, ..claim });
        }
    }
    claims
}
