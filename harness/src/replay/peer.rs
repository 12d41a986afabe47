//! What one host's log tells of another party, folded.
use super::incident::{Connection, Peer, Silence};
use super::told::{Place, Told};

/// Changes of height, connections and silences that are kept of one party.
const MOST: usize = 512;
/// Several lines may tell of one end, within this time.
const ONE_END: i64 = 2_000_000;
/// A ping without an answer for so long is missed (Phase 1, regular peers).
const UNANSWERED: i64 = 90_000_000;

/// See [`Peer`].
#[derive(Debug, Default)]
pub(super) struct PeerFold {
    peer: Peer,
    last_sign: Option<i64>,
    /// The first ping since the last sign of life.
    unanswered: Option<(i64, Place)>,
    /// Open connections: that which the host dialled, and that which the other did. For a moment there may be both.
    open: [bool; 2],
    /// When one of two ended: further lines about it follow.
    one_left: Option<i64>,
}

impl PeerFold {
    pub fn tell(&mut self, told: &Told<'_>) {
        let peer = &mut self.peer;
        let whitelisted = match told.text("whitelisted") {
            Some(word) => word == "true",
            None => matches!(
                told.event,
                "whitelisted" | "masternode_unresponsive" | "masternode_offline" | "priority_sync" | "behind"
            ),
        };
        if whitelisted {
            peer.whitelisted.get_or_insert(told.place);
        }
        match told.text("direction") {
            Some("Outbound") => peer.dialled = true,
            Some("Inbound") => peer.dials = true,
            _ => {}
        }
        if let Some(height) = height(told)
            && peer.heights.last().is_none_or(|(_, last)| *last != height)
        {
            push(&mut peer.heights, (told.at, height));
        }
        match told.event {
            "ping_received" | "pong_received" | "pong_matched" | "received" | "ancestor_found" => self.alive(told),
            "ping_sent" => {
                self.connected(told);
                let (since, place) = *self.unanswered.get_or_insert((told.at, told.place));
                if told.at.saturating_sub(since) > UNANSWERED {
                    self.silent(since, place);
                }
            }
            "pong_missed" => {
                let since = self.unanswered.map_or(told.at, |(since, _)| since);
                self.silent(since, told.place);
            }
            "masternode_offline" => {
                let after = told.number("after").and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or_default();
                self.silent(told.at.saturating_sub(after.saturating_mul(1_000_000)), told.place);
            }
            "connected" | "handshake_done" => self.connected(told),
            "peer_unresponsive" | "masternode_unresponsive" => {
                let since = self.unanswered.map_or(told.at, |(since, _)| since);
                self.silent(since, told.place);
                self.ended(told, "no pongs");
            }
            "disconnected" => self.ended(told, told.text("reason").unwrap_or("unknown")),
            // Of two connections at once.
            "duplicate" if self.open == [true; 2] => self.ended(told, "duplicate"),
            "reconnecting" => {
                self.peer.dialled = true;
                if self.open != [false; 2] {
                    self.ended(told, "unknown");
                }
            }
            _ => {}
        }
    }

    fn alive(&mut self, told: &Told<'_>) {
        self.connected(told);
        self.last_sign = Some(told.at);
        self.unanswered = None;
        if let Some(silence) = self.peer.silences.last_mut()
            && silence.until.is_none()
        {
            silence.until = Some(told.at);
        }
    }

    fn silent(&mut self, since: i64, place: Place) {
        let from = self.last_sign.unwrap_or(since);
        if self.peer.silences.last().is_none_or(|silence| silence.until.is_some()) {
            push(&mut self.peer.silences, Silence { from, until: None, place });
        }
    }

    fn connected(&mut self, told: &Told<'_>) {
        let side = usize::from(told.text("direction") == Some("Inbound"));
        let first = self.open == [false; 2];
        if first || told.event == "connected" {
            self.open[side] = true;
        }
        if !first {
            return;
        }
        // A first word that is no beginning tells of a connection from before.
        let begins = matches!(told.event, "connected" | "handshake_done") || !self.peer.connections.is_empty();
        let connection = Connection { from: begins.then_some(told.at), place: told.place, ..Connection::default() };
        push(&mut self.peer.connections, connection);
        self.unanswered = None;
    }

    fn ended(&mut self, told: &Told<'_>, why: &str) {
        if self.open == [true; 2] {
            let side = usize::from(told.text("direction") == Some("Inbound"));
            self.open[side] = false;
            self.one_left = Some(told.at);
            return;
        }
        if self.one_left.is_some_and(|at| told.at.saturating_sub(at) < ONE_END) {
            return;
        }
        if self.open == [false; 2] {
            // The same end in other words, or one of a connection from before the log.
            if !self.peer.connections.is_empty() {
                return;
            }
            push(&mut self.peer.connections, Connection::default());
        }
        self.open = [false; 2];
        if let Some(connection) = self.peer.connections.last_mut() {
            connection.until = Some(told.at);
            why.clone_into(&mut connection.why);
            connection.place = told.place;
        }
    }

    /// With times on the incident's clock, and without what was over before `from`.
    pub fn finish(mut self, from: i64, right: impl Fn(i64) -> i64) -> Peer {
        let peer = &mut self.peer;
        peer.connections.retain(|connection| connection.until.is_none_or(|until| until >= from));
        peer.silences.retain(|silence| silence.until.is_none_or(|until| until >= from));
        let before = peer.heights.iter().rposition(|(at, _)| *at < from);
        peer.heights.drain(..before.unwrap_or_default());
        for (at, _) in &mut peer.heights {
            *at = right((*at).max(from));
        }
        for connection in &mut peer.connections {
            connection.from = connection.from.filter(|at| *at >= from).map(&right);
            connection.until = connection.until.map(&right);
        }
        for silence in &mut peer.silences {
            silence.from = right(silence.from.max(from));
            silence.until = silence.until.map(&right);
        }
        self.peer
    }
}

/// The other's height, where a line tells it.
fn height(told: &Told<'_>) -> Option<u64> {
    match told.event {
        "ping_received" | "pong_received" | "peer_height" => told.number("height"),
        "priority_sync" | "off_consensus" => told.number("tip"),
        // Production's coordinator names the one that it found, and its height.
        "behind" => told.number("blocks").and_then(|_| told.number("consensus")),
        _ => None,
    }
}

fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() >= MOST {
        list.remove(MOST / 2);
    }
    list.push(item);
}
