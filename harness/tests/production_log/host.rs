//! What a production node says of what it saw.
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use harness::history::{Fields, History};
use harness::scenario::Scenario;

use super::moment::{Moment, moments, number, text};
use super::sync::Sync;

/// A line without its time's form.
#[derive(Debug, Clone)]
pub struct Line {
    /// Since the start of the run, by a clock that is right.
    pub at: Duration,
    /// `INFO` or `WARN`.
    pub level: &'static str,
    /// The module that says it.
    pub target: &'static str,
    /// The message.
    pub text: String,
}

pub(super) const PEER: &str = "timed::network::peer_connection";
pub(super) const CLIENT: &str = "timed::network::client";
pub(super) const SERVER: &str = "timed::network::server";
pub(super) const CHAIN: &str = "timed::blockchain";
const MAIN: &str = "timed";

/// All lines of a host.
pub fn lines(scenario: &Scenario, history: &History, name: &str) -> Vec<Line> {
    let mut host = Host::new(scenario, history, name);
    for (at, moment) in moments(history, name) {
        host.at = at;
        host.moment(&moment);
    }
    host.lines
}

/// One side of a peer: its address, and whether we dialled.
pub(super) type Side = (String, bool);

pub(super) struct Host<'a> {
    pub scenario: &'a Scenario,
    pub history: &'a History,
    pub name: &'a str,
    pub at: Duration,
    pub height: u64,
    pub tip: String,
    /// Ports of connections that are open.
    pub open: BTreeMap<Side, u16>,
    pub ports: u16,
    /// Unanswered pings.
    pub pending: BTreeMap<Side, VecDeque<u64>>,
    /// Pings before the handshake is done.
    pub early: BTreeMap<String, Vec<String>>,
    pub told: BTreeMap<String, u64>,
    /// When each was asked.
    pub asked: BTreeMap<String, Duration>,
    /// What each sent last: how many blocks, up to which, how many seconds after it was asked.
    pub sent: BTreeMap<String, (u64, u64, u64)>,
    pub sync: Option<Sync>,
    lines: Vec<Line>,
}

impl<'a> Host<'a> {
    fn new(scenario: &'a Scenario, history: &'a History, name: &'a str) -> Self {
        Self {
            scenario,
            history,
            name,
            at: Duration::ZERO,
            height: 0,
            tip: String::new(),
            open: BTreeMap::new(),
            ports: 0,
            pending: BTreeMap::new(),
            early: BTreeMap::new(),
            told: BTreeMap::new(),
            asked: BTreeMap::new(),
            sent: BTreeMap::new(),
            sync: None,
            lines: Vec::new(),
        }
    }

    fn say(&mut self, level: &'static str, target: &'static str, text: impl Into<String>) {
        self.lines.push(Line { at: self.at, level, target, text: text.into() });
    }

    pub fn info(&mut self, target: &'static str, text: impl Into<String>) {
        self.say("INFO", target, text);
    }

    pub fn warn(&mut self, target: &'static str, text: impl Into<String>) {
        self.say("WARN", target, text);
    }

    fn moment(&mut self, moment: &Moment<'_>) {
        match moment {
            Moment::Event(event, fields) => self.event(event, fields),
            Moment::Chain(height, tip) => (self.height, self.tip) = (*height, (*tip).to_owned()),
            Moment::Pong { ip, nonce, height } => self.pong(ip, *nonce, *height),
            Moment::Blocks { ip, count, start, end } => self.received("Outbound", ip, *count, *start, *end),
            Moment::Tick => self.tick(),
        }
    }

    fn event(&mut self, event: &str, fields: &Fields) {
        let (ip, side) = (text(fields, "ip"), text(fields, "direction"));
        let outbound = side == "Outbound";
        let of = |name| number(fields, name).unwrap_or_default();
        match event {
            "started" => self.started(),
            "connected" => self.connected(&ip, outbound),
            "disconnected" => self.disconnected(&ip, outbound, &text(fields, "by_us"), &text(fields, "reason")),
            "refused" if outbound => {
                self.info(CLIENT, format!("✓ Connected to peer: {ip}"));
                self.info(PEER, format!("🤝 [Outbound] Sent handshake to {ip}"));
                self.early.remove(&ip);
                self.closed_by_peer(&ip);
            }
            "refused" => self.info(SERVER, format!("🔁 Rejecting duplicate connection from {ip}")),
            "reconnecting" => {
                let masternode = if text(fields, "whitelisted") == "true" { "[MASTERNODE] " } else { "" };
                self.info(CLIENT, format!("🔄 {masternode}Reconnecting to {ip} in {}s...", of("after")));
            }
            "ping_sent" => {
                let nonce = of("nonce");
                self.pending.entry((ip.clone(), outbound)).or_default().push_back(nonce);
                let height = self.height;
                let line = format!("📤 [Outbound] Sent ping to {ip} at height {height} (nonce: {nonce})");
                if outbound && self.open.contains_key(&(ip.clone(), true)) {
                    self.info(PEER, line);
                } else if outbound {
                    self.early.entry(ip).or_default().push(line);
                }
            }
            "ping_received" => {
                if !outbound {
                    let peer = self.address(&ip, false);
                    self.info(PEER, format!("📨 [Inbound] Received ping from {peer} (nonce: {})", of("nonce")));
                    self.info(PEER, format!("✅ [Inbound] Sent pong to {peer} (nonce: {})", of("nonce")));
                }
                self.learns(&ip, number(fields, "height"));
            }
            "pong_missed" => {
                let nonce = self.pending.get_mut(&(ip.clone(), outbound)).and_then(VecDeque::pop_front);
                let (peer, nonce) = (self.address(&ip, outbound), nonce.unwrap_or_default());
                let missed = format!("missed: {}/{}", of("missed"), of("max"));
                self.warn(PEER, format!("⏰ Ping timeout from {peer} (nonce: {nonce}, {missed})"));
            }
            "peer_unresponsive" | "masternode_unresponsive" => {
                let (missed, peer) = (of("missed"), self.address(&ip, outbound));
                let line = match (outbound, of("timeout")) {
                    (_, 180..) => format!(
                        "⚠️ [{side}] WHITELIST VIOLATION: Masternode {ip} unresponsive after {missed} missed pongs (relaxed timeout: 180s)"
                    ),
                    (true, _) => format!("⚠️ [Outbound] Peer {peer} unresponsive after {missed} missed pongs"),
                    (false, _) => format!("⚠️ Peer {peer} unresponsive after {missed} missed pongs, disconnecting"),
                };
                self.warn(PEER, line);
            }
            "behind" => self.behind(&ip, of("consensus")),
            "peer_ahead" => self.behind(&ip, self.height + of("blocks")),
            "requested" => {
                let (start, end) = (of("start"), of("end"));
                if self.sync.is_none() {
                    self.begin(end);
                }
                self.asked.insert(ip.clone(), self.at);
                self.info(CHAIN, format!("📤 Requesting blocks {start}-{end} from {ip}"));
            }
            "received" => self.received(&side, &ip, of("count"), of("start"), of("end")),
            "appended" => self.appended(of("height"), of("count")),
            "request_failed" => self.failed(&ip, of("start"), &text(fields, "reason")),
            "off_consensus" => {
                let vote = format!("{}/{} peers agree at height {}", of("agree"), of("total"), of("tip"));
                self.warn(CHAIN, format!("📊 Peer {ip} NOT on consensus chain ({vote})"));
            }
            "fork_detected" => {
                let (height, ours, theirs) = (of("height"), text(fields, "ours"), text(fields, "theirs"));
                let line = match self.told.get(&ip) {
                    Some(told) if *told == height && height == self.height => {
                        format!("🔀 Fork at same height {height}: our hash {ours} vs consensus hash {theirs} (1 peers)")
                    }
                    _ => format!("🔀 Fork detected at height {height}: our {ours} vs peer {theirs}"),
                };
                self.warn(CHAIN, line);
            }
            "produced" => {
                let slot = self.at.as_secs() / 60;
                self.info("timed::consensus", format!("🎯 SELECTED AS LEADER for slot {slot}"));
                self.info(
                    "timed::consensus",
                    format!("📦 Proposed block at height {} with 0 transactions", of("height")),
                );
            }
            _ => {}
        }
    }

    fn started(&mut self) {
        let node = &self.scenario.nodes[self.name];
        let listed = node.whitelists.clone();
        self.info(MAIN, "Configuring block cache size_mb=128");
        self.info(CHAIN, "✅ Chain integrity validation passed");
        self.info(CHAIN, format!("✓ Local blockchain verified (height: {})", self.height));
        for ip in listed {
            self.info(MAIN, format!("🔐 Added {ip} to whitelist: listed in config"));
        }
        self.info(CLIENT, format!("🏠 Local IP: {} (will skip self-connections)", node.ip));
    }

    fn tick(&mut self) {
        let seconds = self.at.as_secs();
        if let Some(sync) = self.sync.as_ref().filter(|sync| sync.since < self.at) {
            let elapsed = (self.at - sync.since).as_secs();
            let line = format!("⏳ Still syncing... height {} / {} ({elapsed}s elapsed)", self.height, sync.target);
            self.info(CHAIN, line);
        }
        if !seconds.is_multiple_of(60) {
            return;
        }
        let connected: std::collections::BTreeSet<&String> = self.open.keys().map(|(ip, _)| ip).collect();
        let others = connected.iter().filter(|ip| self.whitelisted(ip)).count();
        let masternodes = others + usize::from(self.scenario.nodes[self.name].masternode);
        let connected = connected.len();
        if seconds.is_multiple_of(120) {
            let check = format!("{connected} connected, {masternodes} active masternodes, 50 total slots");
            self.info(CLIENT, format!("🔍 Peer check: {check}"));
        }
        self.info(MAIN, format!("📊 Status: Height={}, Active Masternodes={masternodes}", self.height));
    }
}
