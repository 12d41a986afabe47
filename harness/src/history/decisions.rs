//! What nodes decided, without when and by whose dial: equal for equal nodes, whatever the network runs in.
use std::collections::BTreeMap;

use super::{Field, Fields, History, Observation, What};

/// Events that are decisions, or show one, each with the fields that belong to it beside `ip`.
const DECISIONS: [(&str, &[&str]); 20] = [
    ("behind", &["our", "consensus"]),
    ("no_peer", &["our", "consensus"]),
    ("peer_ahead", &["blocks"]),
    ("ahead", &["our", "consensus"]),
    // The median at a tick may be that of the instant before a peer told a new height.
    ("in_sync", &["our"]),
    ("requested", &["start", "end", "hedge"]),
    ("request_failed", &["start", "end", "reason"]),
    ("received", &["start", "end", "count"]),
    ("priority_sync", &["our", "tip"]),
    ("off_consensus", &["agree", "total", "tip"]),
    ("fork_detected", &["height", "ours", "theirs"]),
    ("priority_fork", &["depth"]),
    ("ancestor_found", &["height", "depth", "round_trips"]),
    ("reorg", &["old_height", "old_tip", "new_height", "new_tip", "ancestor"]),
    ("fork_kept", &["reason"]),
    ("fork_gave_up", &["reason"]),
    ("block_rejected", &["height", "reason"]),
    ("banned", &["reason"]),
    ("peer_unresponsive", &["missed"]),
    ("masternode_unresponsive", &["missed"]),
];

/// Each node's decisions about each other party (or about itself), in order, one a line; hashes of blocks that nodes made during the run,
/// which hold its times, stand as `made`. What two parties' messages led to may come in
/// either order, so each party has a list of its own.
pub fn decisions(history: &History) -> String {
    let made: Vec<&Field> = history.observations().iter().filter_map(made).collect();
    let mut lists: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    for seen in history.observations() {
        let What::Log { level, event, fields, .. } = &seen.what else { continue };
        let Some((_, kept)) = DECISIONS.iter().find(|(decision, _)| decision == event) else { continue };
        // It is repeated at each tick, and the last tick may be beyond the end.
        if event == "in_sync" && level == "DEBUG" {
            continue;
        }
        let about = fields.get("ip").map(Field::to_string).unwrap_or_default();
        let about = history.meta().name_of(&about).map_or(about.clone(), str::to_owned);
        lists.entry((&seen.source, about)).or_default().push(line(event, fields, kept, &made));
    }
    let mut text = String::new();
    for ((node, about), lines) in lists {
        let about = if about.is_empty() { "itself" } else { &about };
        text += &format!("{node} about {about}\n");
        text.extend(lines.iter().map(|line| format!("  {line}\n")));
    }
    text
}

/// The hash of a block that was made.
fn made(seen: &Observation) -> Option<&Field> {
    match &seen.what {
        What::Log { event, fields, .. } if event == "produced" => fields.get("hash"),
        _ => None,
    }
}

fn line(event: &str, fields: &Fields, kept: &[&str], made: &[&Field]) -> String {
    let value = |field: &Field| if made.contains(&field) { "made".to_owned() } else { field.to_string() };
    let words = kept.iter().filter_map(|name| Some(format!(" {name}={}", value(fields.get(*name)?))));
    format!("{event}{}", words.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::build::history;
    use super::*;

    #[test]
    fn only_decisions_by_node_and_party() {
        let one = history()
            .at(30_000)
            .log("b", "produced", "hash=y")
            .log("a", "fork_detected", "ip=10.0.0.11 height=9 ours=x theirs=y")
            .log("a", "fork_detected", "ip=10.0.0.12 height=9 ours=x theirs=y")
            .log("a", "requested", "ip=10.0.0.11 start=5 end=9 hedge=false timeout=300")
            .log("a", "ping_sent", "ip=10.0.0.11 height=9")
            .log("a", "in_sync", "our=9 consensus=9")
            .ended();
        let other = history()
            .at(31_070)
            .log("b", "produced", "hash=z")
            .log("a", "fork_detected", "ip=10.0.0.12 height=9 ours=x theirs=z")
            .log("a", "in_sync", "our=9 consensus=9")
            .log("a", "fork_detected", "ip=10.0.0.11 height=9 ours=x theirs=z")
            .log("a", "requested", "ip=10.0.0.11 start=5 end=9 hedge=false timeout=30")
            .ended();
        let expected = "a about itself\n  in_sync our=9\na about m\n  fork_detected height=9 ours=x theirs=made\n  \
                        requested start=5 end=9 hedge=false\na about n\n  fork_detected height=9 ours=x theirs=made\n";
        assert_eq!(decisions(&one), expected);
        assert_eq!(decisions(&other), expected);
        let third = history().log("a", "requested", "ip=10.0.0.12 start=5 end=8 hedge=false").ended();
        assert_ne!(decisions(&third), decisions(&history().ended()));
    }
}
