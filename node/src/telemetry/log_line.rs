//! Each event's exact line, level and fields (decisions, Canonical log lines).
use std::time::Duration;

use tracing::Value;

use crate::chain::Height;
use crate::protocol::{Direction, Event};

/// A line with its name and fields. Nothing is formatted where nobody listens.
macro_rules! line {
    ($level:ident, $event:literal, $($rest:tt)*) => {
        tracing::event!(target: "node", tracing::Level::$level, event = $event, $($rest)*)
    };
}

/// Logs `event`; some have no line. Field names are those of the line and of [`Event`]; durations are in seconds.
pub fn write(event: &Event) {
    match event {
        Event::Started { height, tip, time_scale } => {
            line!(INFO, "started", height, tip = tip.short(), time_scale, "Started at height {height} {}", tip.short());
            if *time_scale != 1 {
                line!(
                    WARN,
                    "time_scale",
                    time_scale,
                    "⚠️ Every interval, timeout and back-off is divided by {time_scale}: for development only"
                );
            }
        }
        Event::Connected { ip, direction, whitelisted } => {
            let kind = if *whitelisted { "whitelisted masternode" } else { "regular peer" };
            line!(INFO, "connected", %ip, direction = side(*direction), whitelisted, "[{}] Connected to {kind} {ip}", side(*direction));
        }
        Event::Disconnected { ip, direction, by_us, reason } => {
            line!(INFO, "disconnected", %ip, direction = side(*direction), by_us, reason, "[{}] Disconnected from {ip}: {reason}", side(*direction));
        }
        Event::Refused { ip, direction, reason } => {
            line!(INFO, "refused", %ip, direction = side(*direction), reason, "[{}] Refused connection with {ip}: {reason}", side(*direction));
        }
        Event::DialFailed { ip, reason } => {
            line!(DEBUG, "dial_failed", %ip, reason, "Connecting to {ip} failed: {reason}");
        }
        Event::Reconnecting { ip, whitelisted, after } => {
            let masternode = if *whitelisted { "[MASTERNODE] " } else { "" };
            line!(INFO, "reconnecting", %ip, whitelisted, after = number(*after), "{masternode}Reconnecting to {ip} in {}s...", seconds(*after));
        }
        Event::GaveUpDialling { ip, failures } => {
            line!(INFO, "gave_up_dialling", %ip, failures, "Given up on {ip} after {failures} failures, trying once an hour");
        }
        Event::PingSent { ip, direction, height, nonce } => {
            line!(DEBUG, "ping_sent", %ip, direction = side(*direction), height = *height, nonce, "📡 [{}] Sending ping to {ip} (height: {})", side(*direction), known(*height));
        }
        Event::PingReceived { ip, direction, height, nonce } => {
            line!(DEBUG, "ping_received", %ip, direction = side(*direction), height = *height, nonce, "📥 [{}] Received ping from {ip} (height: {})", side(*direction), known(*height));
        }
        Event::PongMissed { ip, direction, missed, max } => {
            line!(INFO, "pong_missed", %ip, direction = side(*direction), missed, max, "⏰ [{}] Missed pong {missed}/{max} from {ip}", side(*direction));
        }
        Event::Unresponsive { ip, direction, whitelisted: false, missed, timeout } => {
            line!(WARN, "peer_unresponsive", %ip, direction = side(*direction), missed, timeout = number(*timeout), "⚠️ [{}] Peer {ip} unresponsive after {missed} missed pongs", side(*direction));
        }
        Event::Unresponsive { ip, direction, whitelisted: true, missed, timeout } => {
            line!(WARN, "masternode_unresponsive", %ip, direction = side(*direction), missed, timeout = number(*timeout), "⚠️ [{}] WHITELIST VIOLATION: Masternode {ip} unresponsive after {missed} missed pongs (relaxed timeout: {}s)", side(*direction), seconds(*timeout));
        }
        Event::ForeignGenesis { ip, theirs } => {
            line!(WARN, "foreign_genesis", %ip, theirs = theirs.short(), "Peer {ip} has another genesis {}: ignoring its chain", theirs.short());
        }
        Event::Behind { our, consensus, ip } => {
            line!(WARN, "behind", our, consensus, %ip, "🔄 SYNC COORDINATOR: We're at height {our}, masternode consensus at {consensus}. Requesting sync from whitelisted peer {ip}");
        }
        Event::NoPeer { our, consensus } => {
            line!(
                WARN,
                "no_peer",
                our,
                consensus,
                "🔄 SYNC COORDINATOR: Behind consensus (our: {our}, consensus: {consensus}) but no suitable peer found"
            );
        }
        Event::PeerAhead { ip, blocks } => {
            line!(INFO, "peer_ahead", %ip, blocks, "🔄 SYNC COORDINATOR: Peer {ip} ahead by {blocks} blocks");
        }
        Event::Ahead { our, consensus } => {
            line!(
                ERROR,
                "ahead",
                our,
                consensus,
                "⚠️ SYNC COORDINATOR: We're at height {our} but masternode consensus is {consensus}. Possible fork or network partition!"
            );
        }
        Event::InSync { our, consensus, changed: true } => {
            line!(
                INFO,
                "in_sync",
                our,
                consensus,
                "✅ SYNC COORDINATOR: Height {our} in sync with consensus {consensus}"
            );
        }
        Event::InSync { our, consensus, changed: false } => {
            line!(
                DEBUG,
                "in_sync",
                our,
                consensus,
                "✅ SYNC COORDINATOR: Height {our} in sync with consensus {consensus}"
            );
        }
        Event::Requested { ip, range, timeout, whitelisted, hedge } => {
            line!(INFO, "requested", start = range.start(), end = range.end(), count = range.len(), %ip, timeout = number(*timeout), whitelisted, hedge, "📤 Requesting blocks {range} from {ip} (timeout: {}s)", seconds(*timeout));
        }
        Event::SendFailed { ip, reason } => {
            line!(ERROR, "send_failed", %ip, reason, "Failed to request sync from {ip}: {reason}");
        }
        Event::Received { ip, direction, range, count, whitelisted } => {
            line!(INFO, "received", count, start = range.start(), end = range.end(), %ip, direction = side(*direction), whitelisted, "📥 [{}] Received {count} blocks (height {range}) from {ip}", side(*direction));
        }
        Event::RequestFailed { ip, range, reason, whitelisted, benched } => {
            line!(WARN, "request_failed", start = range.start(), end = range.end(), %ip, reason, whitelisted, benched = number(*benched), "⏰ Sync request {range} to {ip} failed: {reason}");
        }
        Event::PrioritySync { ip, tip, our } => {
            line!(INFO, "priority_sync", %ip, tip, our, "🛡️ PRIORITY SYNC: Whitelisted masternode {ip} at height {tip} (we're at {our}). Trusting without consensus check.");
        }
        Event::OffConsensus { ip, agree, total, tip } => {
            line!(INFO, "off_consensus", %ip, agree, total, tip, "📊 Peer {ip} NOT on consensus chain ({agree}/{total} peers agree at height {tip}). Deferring to periodic consensus.");
        }
        Event::ForkDetected { ip, height, ours, theirs } => {
            line!(WARN, "fork_detected", height, ours = ours.short(), %ip, theirs = theirs.short(), "🔀 Fork detected at height {height}: our {} vs {ip} {}", ours.short(), theirs.short());
        }
        Event::PriorityFork { ip, depth } => {
            line!(WARN, "priority_fork", %ip, depth, "🔀 PRIORITY FORK RESOLUTION: Whitelisted masternode {ip} has conflicting chain. Aggressively searching for common ancestor (max depth: {depth}).");
        }
        Event::AncestorFound { ip, height, depth, round_trips } => {
            line!(INFO, "ancestor_found", %ip, height, depth, round_trips, "🔎 Common ancestor with {ip} at height {height} (depth {depth}, {round_trips} round trips)");
        }
        Event::Reorg { old_height, old_tip, new_height, new_tip, ancestor } => {
            line!(
                WARN,
                "reorg",
                old_height,
                old_tip = old_tip.short(),
                new_height,
                new_tip = new_tip.short(),
                ancestor,
                "🔁 Reorganised from {old_height} {} to {new_height} {} (ancestor {ancestor})",
                old_tip.short(),
                new_tip.short()
            );
        }
        Event::ForkKept { ip, reason } => {
            line!(INFO, "fork_kept", %ip, reason, "🔀 Keeping our chain against {ip}: {reason}");
        }
        Event::ForkGaveUp { ip, reason } => {
            line!(WARN, "fork_gave_up", %ip, reason, "🔀 Fork resolution with {ip} given up: {reason}");
        }
        Event::BlockRejected { ip, height, reason } => {
            line!(WARN, "block_rejected", height, %ip, reason, "❌ Rejected block {height} from {ip}: {reason}");
        }
        Event::Banned { ip, lasts: Some(lasts), reason } => {
            line!(WARN, "banned", %ip, duration = number(*lasts), reason, "🚫 Banned {ip} for {}s: {reason}", seconds(*lasts));
        }
        Event::Banned { ip, lasts: None, reason } => {
            line!(WARN, "banned", %ip, duration = "until restart", reason, "🚫 Banned {ip} for until restart: {reason}");
        }
        Event::Appended { height, tip, count } => {
            line!(
                DEBUG,
                "appended",
                height,
                tip = tip.short(),
                count,
                "Appended {count} blocks: height {height} {}",
                tip.short()
            );
        }
        Event::Produced { height, hash } => {
            line!(INFO, "produced", height, hash = hash.short(), "Produced block {height} {}", hash.short());
        }
        Event::WriteFailed { reason } => {
            line!(ERROR, "write_failed", reason, "Chain not written: {reason}");
        }
        Event::Checked { .. } | Event::SyncFinished { .. } | Event::Buffered { .. } => {}
    }
}

fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "Inbound",
        Direction::Outbound => "Outbound",
    }
}

fn known(height: Option<Height>) -> String {
    height.map_or_else(|| "unknown".to_owned(), |height| height.to_string())
}

/// Seconds for the line: `30`, or with a time scale (D-29) also `7.5`.
fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// Seconds for a field: a whole number, unless a time scale (D-29) makes it a fraction.
fn number(duration: Duration) -> Box<dyn Value> {
    if duration.subsec_nanos() == 0 { Box::new(duration.as_secs()) } else { Box::new(duration.as_secs_f64()) }
}
