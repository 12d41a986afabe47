//! One life of a node: from its core's start to its end.
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use node::chain::{Hash, Height, SealedBlock};
use node::protocol::{ConnId, Direction, Event, Input, Output};
use node::wire::{MAX_LINE, Message, encoded_len};

use super::Breach;
use super::dials::Dials;
use super::link::Link;
use super::requests::Requests;
use super::text::Text;
use crate::history::seconds;

/// Blocks of a request, and of an answer (phase-3, Configuration; wire protocol).
const BLOCKS: usize = 500;
/// Component 2: who is further ahead needs the vote; D-12: so close to its tip is agreement.
const VOTE_ABOVE: Height = 50;
const AGREES_WITHIN: Height = 10;
/// D-13: further ahead of the median than this is alarming.
const ALARM: Height = 100;

/// What is known of it.
#[derive(Debug)]
pub struct Life {
    text: Text,
    now: Duration,
    /// Inputs so far.
    inputs: u64,
    tip: Height,
    /// The connection whose message is dealt with.
    heard: Option<ConnId>,
    /// Its ping, until that is answered.
    ping: Option<u64>,
    /// The blocks that it brings: whether there are any, and the highest.
    blocks: Option<(bool, Height)>,
    links: BTreeMap<ConnId, Link>,
    /// No ping is due before.
    pings_due: Duration,
    established: BTreeMap<IpAddr, ConnId>,
    /// How long the last connection with a peer lasted.
    lasted: BTreeMap<IpAddr, Duration>,
    dials: Dials,
    requests: Requests,
    /// No search with these peers before.
    paused: BTreeMap<IpAddr, Duration>,
}

impl Life {
    pub fn new(text: Text) -> Self {
        Self {
            text,
            now: Duration::ZERO,
            inputs: 0,
            tip: 0,
            heard: None,
            ping: None,
            blocks: None,
            links: BTreeMap::new(),
            pings_due: Duration::ZERO,
            established: BTreeMap::new(),
            lasted: BTreeMap::new(),
            dials: Dials::default(),
            requests: Requests::default(),
            paused: BTreeMap::new(),
        }
    }

    /// It is told something. What was due at its last input it has done by now.
    pub fn told(&mut self, at: Duration, input: &Input, tip: Height, breaches: &mut Vec<Breach>) {
        self.left_undone(breaches);
        (self.now, self.tip) = (at, tip);
        self.inputs += 1;
        (self.heard, self.ping, self.blocks) = (None, None, None);
        match input {
            Input::Connected { conn, peer, direction, .. } => {
                let whitelisted = self.text.whitelist.contains(peer);
                self.links.insert(*conn, Link::new(*peer, *direction, whitelisted));
            }
            Input::Received { conn, message } => {
                self.heard = Some(*conn);
                self.received(*conn, message);
            }
            Input::Closed { conn, .. } => self.closed(*conn),
            _ => {}
        }
    }

    fn left_undone(&mut self, breaches: &mut Vec<Breach>) {
        if let Some((nonce, conn)) = self.ping.zip(self.heard)
            && let Some(link) = self.links.get(&conn).filter(|link| link.whitelisted)
        {
            let what = format!("does not answer ping {nonce} of {}", link.ip);
            breaches.push(Breach { rule: "each ping of a whitelisted peer is answered at once (Phase 1)", what });
        }
        if self.now > self.pings_due {
            let due = self.links.values().filter_map(|link| Some((link.ping_due(&self.text)?, link.ip))).min();
            self.pings_due = due.map_or(self.now, |(due, _)| due);
            if let Some((due, ip)) = due.filter(|(due, _)| *due < self.now) {
                let what = format!("pings {ip} {} late", seconds(self.now - due));
                breaches.push(Breach { rule: "each peer is pinged each 30 s, whatever else goes on (Phase 1)", what });
            }
        }
        if let Some((ip, open)) = self.requests.overdue(self.now) {
            let what = format!("waits for {} of {ip} for {}", range(open.range), seconds(self.now - open.asked));
            breaches.push(Breach { rule: "a request lives 300 s or 120 s (Component 5)", what });
            self.requests.over(ip);
        }
    }

    fn received(&mut self, conn: ConnId, message: &Message) {
        let (now, text) = (self.now, &self.text);
        let Some(link) = self.links.get_mut(&conn).filter(|link| link.established.is_some()) else { return };
        match message {
            Message::Ping { nonce, height, .. } => {
                self.ping = Some(*nonce);
                link.ping_came(now, text);
                if let Some(height) = height.filter(|_| text.sync.heights_in_pings) {
                    link.tells(height, now);
                }
            }
            Message::Pong { nonce, height, .. } => {
                link.pong_came(*nonce, now, text);
                if let Some(height) = height.filter(|_| text.sync.heights_in_pings) {
                    link.tells(height, now);
                }
            }
            Message::BlockHeightResponse(height)
            | Message::BlockInventory(height)
            | Message::ChainTipResponse { height, .. } => link.tells(*height, now),
            Message::BlockAnnouncement(block) => {
                link.tells(block.height(), now);
                self.blocks = Some((true, block.height()));
            }
            Message::BlockResponse(block) => self.blocks = Some((true, block.height())),
            Message::BlocksResponse(blocks) | Message::BlockRangeResponse(blocks) => {
                let highest = blocks.iter().map(SealedBlock::height).max();
                self.blocks = Some((highest.is_some(), highest.unwrap_or(0)));
            }
            Message::GenesisHashResponse(theirs) => link.foreign |= foreign(text, *theirs),
            Message::BlockHashResponse { height, hash } => {
                link.search.unanswered = 0;
                if let Some(theirs) = hash.filter(|_| *height == 0) {
                    link.foreign |= foreign(text, theirs);
                }
            }
            _ => {}
        }
        // What it told before says nothing of our chain (D-19).
        if link.foreign {
            link.height = None;
        }
    }

    fn closed(&mut self, conn: ConnId) {
        let Some(link) = self.links.remove(&conn) else { return };
        if let Some(since) = link.established {
            self.lasted.insert(link.ip, self.now - since);
        }
        if self.established.get(&link.ip) == Some(&conn) {
            self.established.remove(&link.ip);
        }
    }

    fn by_ip(&self, ip: IpAddr) -> Option<&Link> {
        self.established.get(&ip).and_then(|conn| self.links.get(conn))
    }

    /// Established connections.
    fn peers(&self) -> impl Iterator<Item = &Link> {
        self.established.values().filter_map(|conn| self.links.get(conn))
    }

    /// The median of what whitelisted peers told last (D-1, D-9): the middle one, or the mean of the middle two, rounded down.
    fn median(&self) -> Option<Height> {
        let mut heights: Vec<Height> = self.peers().filter(|link| link.whitelisted).filter_map(Link::counts).collect();
        heights.sort_unstable();
        let last = heights.len().checked_sub(1)?;
        let (low, high) = (heights[last / 2], heights[last.div_ceil(2)]);
        Some(((u128::from(low) + u128::from(high)) / 2) as Height)
    }

    /// It does something.
    pub fn did(&mut self, output: &Output, breaches: &mut Vec<Breach>) {
        let mut breach = |rule, what| breaches.push(Breach { rule, what });
        match output {
            Output::Send { conn, message } => self.sent(*conn, message, &mut breach),
            Output::Close { conn } => self.closed(*conn),
            Output::Dial { peer, .. } => {
                if let Some((early, failures)) = self.dials.too_early(*peer, self.now) {
                    let what = format!("dials {peer} {} too early after {failures} failures", seconds(early));
                    breach("between two dials the pauses double (Phase 2)", what);
                }
            }
            Output::Event(event) => self.said(event, &mut breach),
            Output::Write(_) => {}
        }
    }

    fn sent(&mut self, conn: ConnId, message: &Message, breach: &mut impl FnMut(&'static str, String)) {
        let (now, tip, text) = (self.now, self.tip, &self.text);
        let Some(link) = self.links.get_mut(&conn) else { return };
        let ip = link.ip;
        match message {
            Message::Ping { nonce, height, .. } => {
                if *height != text.told(tip) {
                    let what = format!("pings {ip} with the height {height:?} at {tip}");
                    breach("pings tell our height (Component 4)", what);
                }
                let missed = link.missed_at_least(now, text);
                if missed >= text.patience(link.whitelisted).1 {
                    let what = format!("still keeps {ip} after {missed} missed pongs");
                    breach("after 3 or 6 missed pongs a peer is given up (Phases 1 and 2)", what);
                }
                link.pings(*nonce, now);
            }
            Message::Pong { nonce, height, .. } => {
                if *height != text.told(tip) {
                    let what = format!("answers {ip} with the height {height:?} at {tip}");
                    breach("pongs tell our height (Component 4)", what);
                }
                let asked = self.ping.take();
                if asked != Some(*nonce) {
                    let what = format!("answers ping {asked:?} of {ip} with {nonce}");
                    breach("a pong has its ping's nonce (Phase 1)", what);
                }
            }
            Message::GetBlockRange { .. } | Message::GetBlocks(..) => {
                let ranges = matches!(message, Message::GetBlockRange { .. });
                if ranges != (link.direction == Direction::Outbound) {
                    let what = format!("sends {} to {ip}, on a connection {:?}", message.name(), link.direction);
                    breach("GetBlockRange where we dialled, else GetBlocks (D-24)", what);
                }
            }
            Message::BlocksResponse(blocks) | Message::BlockRangeResponse(blocks) => {
                let bytes = encoded_len(message);
                if blocks.len() > BLOCKS || bytes > MAX_LINE {
                    let what = format!("sends {} blocks in {bytes} bytes to {ip}", blocks.len());
                    breach("an answer has at most 500 blocks and fits a line (wire protocol)", what);
                }
            }
            Message::GetBlockHash(height) if (1..tip).contains(height) => {
                let (deepest, attempts) = text.search(link.whitelisted);
                let Some(lowest) = link.probes(*height, self.inputs, tip, now) else { return };
                let search = &link.search;
                if lowest < search.tip.saturating_sub(deepest) {
                    let what = format!("asks {ip} for the hash at {lowest}, from {} down", search.tip);
                    breach("the search goes 10,000 or 2,000 blocks down (Component 3)", what);
                }
                if search.unanswered > attempts {
                    let what = format!("asks {ip} {} times without an answer", search.unanswered);
                    breach("a search is tried 10 or 3 times (Component 3)", what);
                }
                if self.paused.get(&ip).is_some_and(|until| now < *until) {
                    let what = format!("searches again with {ip}");
                    breach("no search with a peer for 10 min after it was given up (D-6)", what);
                }
            }
            _ => {}
        }
    }

    fn said(&mut self, event: &Event, breach: &mut impl FnMut(&'static str, String)) {
        let (now, threshold) = (self.now, self.text.sync.sync_threshold);
        let line = self.tip.saturating_add(threshold);
        match event {
            Event::Connected { ip, .. } => self.connected(*ip, breach),
            Event::Refused { ip, direction, reason } => {
                if reason == "no slot" && self.admits(*ip) {
                    breach(
                        "so many slots, some of them for whitelisted peers (Phase 2)",
                        format!("has no slot for {ip}"),
                    );
                }
                if *direction == Direction::Outbound {
                    self.lost(*ip, Duration::ZERO);
                }
            }
            Event::DialFailed { ip, .. } => self.lost(*ip, Duration::ZERO),
            Event::Disconnected { ip, .. } => {
                self.requests.over(*ip);
                // Where another connection takes its place, none is missing (D-18).
                let next = self.heard.and_then(|conn| self.links.get(&conn)).filter(|link| link.ip == *ip);
                let lasted = self.lasted.remove(ip).unwrap_or_default();
                if next.is_none() {
                    self.lost(*ip, lasted);
                }
            }
            Event::Unresponsive { ip, .. } => {
                let Some(link) = self.by_ip(*ip) else { return };
                let (missed, most) = (link.missed_at_most(now, &self.text), self.text.patience(link.whitelisted).1);
                if missed < most {
                    let what = format!("gives {ip} up after {missed} missed pongs of {most}");
                    breach("a peer is given up for 3 or 6 missed pongs, not fewer (Phases 1 and 2)", what);
                }
            }
            Event::Banned { ip, reason, .. } => {
                let link = self.heard.and_then(|conn| self.links.get(&conn));
                let whitelisted = self.text.whitelist.contains(ip);
                let slow = reason.contains("(Ping)") && link.is_some_and(|link| !link.floods(now, &self.text));
                if whitelisted || slow {
                    let what = format!("bans {ip}: {reason}");
                    breach("a ban is for offences of regular peers (wire protocol, rates)", what);
                }
            }
            Event::Checked { our, consensus, .. } => {
                let (median, tip) = (self.median(), self.tip);
                if (*our, *consensus) != (tip, median) {
                    let what = format!("is at {our} with the median {consensus:?}, where it is {median:?} at {tip}");
                    breach("the median is that of the newest heights of connected whitelisted peers (D-1, D-9)", what);
                }
            }
            Event::Behind { consensus, .. } | Event::NoPeer { consensus, .. } if *consensus <= line => {
                let what = format!("is behind {consensus} at {}", self.tip);
                breach("behind begins above the threshold (Component 1)", what);
            }
            Event::InSync { consensus, .. } if *consensus > line => {
                let what = format!("is in sync with {consensus} at {}", self.tip);
                breach("in sync ends above the threshold (Component 1)", what);
            }
            Event::PeerAhead { ip, blocks } => {
                let height = self.by_ip(*ip).and_then(Link::counts);
                if *blocks <= threshold || height != self.tip.checked_add(*blocks) {
                    let what = format!("says {ip} is {blocks} ahead of {}, where it is at {height:?}", self.tip);
                    breach("the leader is a peer that is ahead by more than the threshold (D-1)", what);
                }
            }
            Event::Ahead { consensus, .. } if self.tip <= consensus.saturating_add(ALARM) => {
                let what = format!("is far ahead of {consensus} at {}", self.tip);
                breach("far ahead is more than 100 (Component 1)", what);
            }
            Event::Requested { ip, range: asked, timeout, .. } => {
                let lives = self.text.timeout(self.text.whitelist.contains(ip));
                if *timeout != lives {
                    let what = format!("gives {ip} {}, not {}", seconds(*timeout), seconds(lives));
                    breach("a request lives 300 s or 120 s (Component 5)", what);
                }
                if asked.len() > self.text.sync.max_sync_batch_size {
                    breach(
                        "a range has at most so many blocks (Configuration)",
                        format!("asks {ip} for {}", range(*asked)),
                    );
                }
                let (open, times) = self.requests.ask(*ip, *asked, now, &self.text);
                if let Some(open) = open {
                    let what = format!("asks {ip} for {} while {} is open", range(*asked), range(open.range));
                    breach("one range at a time is asked of a peer (D-2)", what);
                }
                if times > self.text.same_range().0 {
                    let what = format!("asks {ip} for {}, {times} times by now", range(*asked));
                    breach("the same range is asked of a peer 3 times in 5 min at most (D-15)", what);
                }
            }
            Event::Received { ip, .. } => {
                self.requests.over(*ip);
            }
            Event::RequestFailed { ip, reason, benched, .. } => self.failed(*ip, reason, *benched, breach),
            Event::OffConsensus { ip, agree, total, tip } => {
                let counted = self.votes(*ip, *tip);
                if counted.is_some_and(|counted| counted != (*agree, *total) || agree * 2 >= *total)
                    || *tip <= self.tip.saturating_add(VOTE_ABOVE)
                {
                    let what = format!("counts {agree}/{total} for {ip} at {tip}, where they are {counted:?}");
                    breach("a peer more than 50 ahead needs half of all connected ones (Component 2)", what);
                }
            }
            Event::ForkDetected { ip, height, .. } => {
                let Some(link) = self.by_ip(*ip) else { return };
                let offered = self.blocks.map_or(*height, |(_, highest)| highest.max(*height));
                let tip = link.height.unwrap_or(0).max(offered);
                let judged = !(link.whitelisted && self.text.sync.trust_whitelisted);
                let fails = |(agree, total): (usize, usize)| agree * 2 < total;
                if judged && tip > self.tip.saturating_add(VOTE_ABOVE) && self.votes(*ip, tip).is_some_and(fails) {
                    let what = format!("follows {ip} at {tip} from {} without a vote", self.tip);
                    breach("a peer more than 50 ahead needs half of all connected ones (Component 2)", what);
                }
            }
            // What was looked for was a place on the chain that we had.
            Event::Reorg { .. } => self.links.values_mut().for_each(|link| link.search.unanswered = 0),
            // A branch that was found and doesn't come may be looked for again.
            Event::ForkGaveUp { ip, reason } if reason.contains("attempts") || reason.contains("no common block") => {
                self.paused.insert(*ip, now + self.text.search_pause());
                if let Some(link) = self.established.get(ip).and_then(|conn| self.links.get_mut(conn)) {
                    link.search.unanswered = 0;
                }
            }
            _ => {}
        }
    }

    fn connected(&mut self, ip: IpAddr, breach: &mut impl FnMut(&'static str, String)) {
        if self.text.blacklist.contains(&ip) {
            breach("who is blacklisted is not connected, whitelisted or not (Phase 2)", format!("connects {ip}"));
        }
        if !self.admits(ip) {
            breach("so many slots, some of them for whitelisted peers (Phase 2)", format!("has a slot for {ip}"));
        }
        if let Some((conn, link)) = self.heard.and_then(|conn| Some((conn, self.links.get_mut(&conn)?))) {
            link.established = Some(self.now);
            self.established.insert(ip, conn);
            self.pings_due = Duration::ZERO;
        }
    }

    fn admits(&self, ip: IpAddr) -> bool {
        let regular = self.peers().filter(|link| !link.whitelisted).count();
        self.text.admits(self.text.whitelist.contains(&ip), regular, self.peers().count())
    }

    /// A dial failed, or a connection ended, and there is no other one with this peer.
    fn lost(&mut self, ip: IpAddr, lasted: Duration) {
        if self.by_ip(ip).is_none() {
            self.dials.failed(ip, lasted, self.now, &self.text);
        }
    }

    /// How many agree with a peer's tip, of how many (D-12); `None` where some heights may not have counted.
    fn votes(&self, ip: IpAddr, tip: Height) -> Option<(usize, usize)> {
        if self.peers().any(|link| link.unsure) {
            return None;
        }
        let others = || self.peers().filter(|link| link.ip != ip).filter_map(Link::counts);
        let agree = others().filter(|height| height.abs_diff(tip) <= AGREES_WITHIN).count();
        Some((agree + 1, others().count() + 1))
    }

    /// A request failed, for one of the reasons that there are (D-22).
    fn failed(&mut self, ip: IpAddr, reason: &str, benched: Duration, breach: &mut impl FnMut(&'static str, String)) {
        let open = self.requests.over(ip);
        let brings = self.blocks.map(|(some, _)| some);
        let (cause, unwanted) = match reason.strip_suffix(", and not wanted any more") {
            Some(cause) => (cause, true),
            None => (reason, false),
        };
        let so = match cause {
            "no answer in time" => open.is_none_or(|open| self.now >= open.until),
            "connection closed" => self.by_ip(ip).is_none_or(|link| link.foreign),
            "empty answer" => brings == Some(false),
            "only blocks we hold already" => brings == Some(true),
            // Known once the blocks before have been written.
            "nothing that links" | "invalid block" | "not the branch that it named" => true,
            _ => false,
        };
        if !so {
            let what = format!("calls the request to {ip} failed: {reason}");
            breach("a request fails in time, by a close, or by an answer that is no use; a short one is (D-22)", what);
        }
        let (least, most) = self.text.bench();
        if !unwanted && !(least..=most).contains(&benched) {
            breach("who fails is benched for 1 to 30 min (D-7)", format!("benches {ip} for {}", seconds(benched)));
        }
    }
}

fn foreign(text: &Text, theirs: Hash) -> bool {
    text.genesis.is_some_and(|ours| ours != theirs)
}

fn range(range: node::chain::HeightRange) -> String {
    format!("{}-{}", range.start(), range.end())
}
