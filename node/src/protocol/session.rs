//! A connection's life: handshake, duplicates, pings, the check of the genesis, its end.
use std::net::IpAddr;
use std::time::Duration;

use super::liveness::Checked;
use super::mark::{self, Mark};
use super::mutant::{self, Mutant};
use super::peer_table::Conn;
use super::timing::{HALF_OPEN_MAX, Patience};
use super::{ConnId, Core, Direction, Event, Output, slots};
use crate::chain::{ChainView, Hash, Height};
use crate::wire::{MAGIC, Message, PROTOCOL_VERSION};

impl Core {
    pub(super) fn connected(
        &mut self,
        id: ConnId,
        ip: IpAddr,
        local: IpAddr,
        direction: Direction,
        chain: &dyn ChainView,
    ) {
        let whitelisted = self.whitelist.contains(&ip);
        self.peers.open(id, ip, local, direction, whitelisted, self.now.at, &self.timing);
        if self.unwelcome(ip) {
            return self.drop_connection(id, "banned");
        }
        match direction {
            Direction::Outbound => {
                let network = self.config.network.name.clone();
                self.send(id, Message::Handshake { magic: MAGIC, protocol_version: PROTOCOL_VERSION, network });
                self.ping(id, chain);
            }
            Direction::Inbound => self.limit_half_open(),
        }
    }

    /// Unfinished handshakes wait in line; the oldest of regular addresses goes when there are too many.
    fn limit_half_open(&mut self) {
        let waiting = |conn: &&Conn| conn.established_at.is_none() && conn.direction == Direction::Inbound;
        if self.peers.iter().filter(waiting).count() > HALF_OPEN_MAX {
            let oldest =
                self.peers.iter().filter(waiting).min_by_key(|conn| (conn.whitelisted, conn.id)).map(|conn| conn.id);
            if let Some(id) = oldest {
                mark::reached(Mark::HalfOpenDropped);
                self.drop_connection(id, "too many unfinished handshakes");
            }
        }
    }

    /// Banned now; the blacklist wins over the whitelist, which exempts from everything else.
    fn unwelcome(&self, ip: IpAddr) -> bool {
        let whitelisted = self.whitelist.contains(&ip);
        if self.bans.blacklisted(ip) {
            return !(whitelisted && mutant::is(Mutant::WhitelistBeatsBlacklist));
        }
        !whitelisted && self.bans.banned(ip, self.now.at)
    }

    pub(super) fn dial_failed(&mut self, ip: IpAddr, reason: String) {
        self.tell(Event::DialFailed { ip, reason });
        self.redial(ip, Duration::ZERO);
    }

    /// A peer of the configuration has no connection any more, or none yet.
    fn redial(&mut self, ip: IpAddr, lasted: Duration) {
        if self.peers.by_ip(ip).is_some() {
            return self.dialler.connected(ip);
        }
        let Some(retry) = self.dialler.lost(ip, lasted, self.now.at, &self.timing) else { return };
        if self.bans.blacklisted(ip) {
            return;
        }
        match retry.gave_up {
            Some(failures) => {
                mark::reached(Mark::GaveUpDialling);
                self.tell(Event::GaveUpDialling { ip, failures });
            }
            None => self.tell(Event::Reconnecting { ip, whitelisted: retry.whitelisted, after: retry.after }),
        }
    }

    pub(super) fn dial_due(&mut self) {
        for (ip, port) in self.dialler.due(self.now.at) {
            if self.peers.by_ip(ip).is_some() {
                self.dialler.connected(ip);
            } else if self.unwelcome(ip) {
                self.dialler.postpone(ip, self.now.at + self.timing.given_up);
            } else if !self.has_slot(self.whitelist.contains(&ip)) {
                self.dialler.postpone(ip, self.now.at + self.timing.coordinator);
            } else {
                self.dialler.dialling(ip);
                self.out.push_back(Output::Dial { peer: ip, port, timeout: self.timing.dial });
            }
        }
    }

    fn has_slot(&self, whitelisted: bool) -> bool {
        let (regulars, all) = self.peers.counts();
        let network = &self.config.network;
        slots::admits(whitelisted, regulars, all, network.max_connections, network.reserved_masternode_slots)
    }

    /// The first message: a handshake from who dialled us, an Ack from whom we dialled.
    pub(super) fn greeted(&mut self, id: ConnId, message: &Message, chain: &dyn ChainView) {
        let Some(conn) = self.peers.get(id) else { return };
        let reason = match (conn.direction, message) {
            (Direction::Inbound, Message::Handshake { magic, .. }) if *magic != MAGIC => "wrong magic",
            (Direction::Inbound, Message::Handshake { protocol_version, .. })
                if *protocol_version != PROTOCOL_VERSION =>
            {
                "wrong protocol version"
            }
            // The network's name is not compared: production always sends `mainnet`.
            (Direction::Inbound, Message::Handshake { network, .. })
                if !matches!(network.as_str(), "mainnet" | "testnet") =>
            {
                "unknown network"
            }
            (Direction::Inbound, Message::Handshake { .. }) | (Direction::Outbound, Message::Ack { .. }) => {
                return self.establish(id, chain);
            }
            _ => "something else before the handshake",
        };
        self.drop_connection(id, &format!("bad handshake: {reason}"));
    }

    fn establish(&mut self, id: ConnId, chain: &dyn ChainView) {
        let Some(conn) = self.peers.get(id) else { return };
        let (ip, direction, whitelisted) = (conn.ip, conn.direction, conn.whitelisted);
        let duplicate_of = self.peers.by_ip(ip).map(|established| (established.id, self.stays(established, conn)));
        match duplicate_of {
            Some((_, true)) => {
                mark::reached(Mark::Duplicate);
                return self.drop_connection(id, "duplicate");
            }
            Some((_, false)) => mark::reached(Mark::Duplicate),
            None if !self.has_slot(whitelisted) => {
                mark::reached(Mark::SlotRefused);
                return self.drop_connection(id, "no slot");
            }
            None => {}
        }
        self.peers.establish(id, self.now.at);
        if let Some((older, _)) = duplicate_of {
            self.drop_connection(older, "duplicate");
        }
        self.dialler.connected(ip);
        self.tell(Event::Connected { ip, direction, whitelisted });
        if direction == Direction::Inbound {
            self.send(id, Message::Ack { message_type: "Handshake".into() });
            if self.config.network.masternode {
                self.introduce(id);
            }
            self.ping(id, chain);
        }
        self.send(id, Message::GetGenesisHash);
        let answer_by = self.now.at + self.timing.answer;
        if let Some(conn) = self.peers.get_mut(id) {
            conn.genesis_by = Some(answer_by);
        }
    }

    /// Whether an established connection stays when another between the same two addresses is done with its handshake (D-18).
    fn stays(&self, established: &Conn, new: &Conn) -> bool {
        let settled = established.established_at.is_some_and(|at| self.now.at.saturating_sub(at) > self.timing.settled);
        settled || established.dialler() <= new.dialler()
    }

    fn introduce(&mut self, id: ConnId) {
        let Some(conn) = self.peers.get(id) else { return };
        let address = conn.local.to_string();
        let public_key = Hash::of(address.as_bytes());
        let reward_address = format!("TIME0{}", public_key.short());
        self.send(id, Message::MasternodeAnnouncement { address, reward_address, tier: "Free".into(), public_key });
    }

    /// Closes a connection.
    pub(super) fn drop_connection(&mut self, id: ConnId, reason: &str) {
        if self.peers.get(id).is_some() {
            self.out.push_back(Output::Close { conn: id });
            self.connection_ended(id, reason, true);
        }
    }

    /// A connection is closed, whoever wanted it: failed requests, fork searches, and the next dial follow.
    pub(super) fn connection_ended(&mut self, id: ConnId, reason: &str, by_us: bool) {
        let Some(conn) = self.peers.remove(id) else { return };
        let (ip, direction, reason) = (conn.ip, conn.direction, reason.to_owned());
        match conn.established_at {
            Some(at) => {
                if mutant::is(Mutant::HeightKeptAfterClose) {
                    self.standing.ghosts.extend(conn.reported.filter(|_| conn.whitelisted));
                }
                self.tell(Event::Disconnected { ip, direction, by_us, reason });
                self.request_closed(ip);
                self.fork_peer_gone(ip);
                self.redial(ip, self.now.at.saturating_sub(at));
            }
            None => {
                self.tell(Event::Refused { ip, direction, reason });
                if direction == Direction::Outbound {
                    self.redial(ip, Duration::ZERO);
                }
            }
        }
    }

    /// One offence of a regular peer; whitelisted ones get no strikes.
    pub(super) fn strike(&mut self, ip: IpAddr, reason: &str) {
        if self.whitelist.contains(&ip) {
            return;
        }
        if let Some(lasts) = self.bans.strike(ip, self.now.at, &self.timing) {
            mark::reached(Mark::Banned);
            self.tell(Event::Banned { ip, lasts, reason: reason.to_owned() });
            let theirs: Vec<ConnId> = self.peers.iter().filter(|conn| conn.ip == ip).map(|conn| conn.id).collect();
            for id in theirs {
                self.drop_connection(id, "banned");
            }
        }
    }

    fn ping(&mut self, id: ConnId, chain: &dyn ChainView) {
        let height = self.told_height(chain).filter(|_| !mutant::is(Mutant::PingsWithoutHeight));
        let nonce = self.rng.next();
        let timestamp = self.now_unix();
        let Some(conn) = self.peers.get_mut(id) else { return };
        conn.liveness.ping(nonce, self.now.at, &self.timing);
        let (ip, direction) = (conn.ip, conn.direction);
        self.send(id, Message::Ping { nonce, timestamp, height });
        self.tell(Event::PingSent { ip, direction, height, nonce });
    }

    /// The height in our pings and pongs (Component 4).
    pub(super) fn told_height(&self, chain: &dyn ChainView) -> Option<Height> {
        self.config.sync.heights_in_pings.then(|| chain.tip().height)
    }

    /// A peer told a height in a ping or pong.
    pub(super) fn pinged_height(&mut self, id: ConnId, height: Option<Height>) {
        if self.config.sync.heights_in_pings
            && let Some(height) = height
        {
            self.report(id, height);
        }
    }

    /// The newest height counts, also when it is lower (D-9); that of a foreign chain never does (D-19).
    pub(super) fn report(&mut self, id: ConnId, height: Height) {
        let now = self.now.at;
        let older = |conn: &Conn| conn.reported.is_some_and(|old| old > height);
        if let Some(conn) = self.peers.get_mut(id).filter(|conn| !conn.foreign)
            && !(mutant::is(Mutant::HighestHeightCounts) && older(conn))
        {
            (conn.reported, conn.reported_at) = (Some(height), now);
        }
    }

    /// What a peer says of its genesis (D-19).
    pub(super) fn genesis_told(&mut self, id: ConnId, theirs: Hash, chain: &dyn ChainView) {
        let Some(conn) = self.peers.get_mut(id) else { return };
        conn.genesis_by = None;
        if chain.hash_at(0) == Some(theirs) || conn.foreign || mutant::is(Mutant::ForeignGenesisCounts) {
            return;
        }
        conn.foreign = true;
        (conn.reported, conn.announced, conn.tip) = (None, None, None);
        let ip = conn.ip;
        mark::reached(Mark::ForeignGenesis);
        self.tell(Event::ForeignGenesis { ip, theirs });
        self.request_closed(ip);
        self.fork_peer_gone(ip);
    }

    /// When something of a connection is due.
    pub(super) fn session_deadline(&self, conn: &Conn) -> Duration {
        if conn.established_at.is_none() {
            return conn.opened_at + self.timing.handshake;
        }
        let ping = conn.liveness.ping_at;
        // Asked for each connection all the time: what comes after the ping is not looked at.
        let expires = |conn: &Conn| conn.liveness.expires_at(self.patience(conn.whitelisted));
        let check = conn.liveness.waits() && expires(conn).is_some_and(|at| at < ping);
        let check = if check { self.next_check(conn) } else { None };
        [check, conn.genesis_by, conn.tip_by].into_iter().flatten().fold(ping, Duration::min)
    }

    pub(super) fn session_timers(&mut self, chain: &dyn ChainView) {
        let now = self.now.at;
        let due: Vec<ConnId> =
            self.peers.iter().filter(|conn| self.session_deadline(conn) <= now).map(|conn| conn.id).collect();
        for id in due {
            let check = self.peers.get(id).and_then(|conn| self.next_check(conn)).is_some_and(|at| at <= now);
            let Some(conn) = self.peers.get_mut(id) else { continue };
            if conn.established_at.is_none() {
                self.drop_connection(id, "handshake timeout");
                continue;
            }
            let ask_block_0 = conn.genesis_by.take_if(|by| *by <= now).is_some();
            let ask_hash = conn.tip_by.take_if(|by| *by <= now).is_some();
            let ping = conn.liveness.ping_at <= now;
            if ask_block_0 {
                self.send(id, Message::GetBlockHash(0));
            }
            if ask_hash {
                self.probe_tip(id, chain);
            }
            if check {
                self.check_liveness(id);
            }
            let syncing = !self.requests.open.is_empty() && mutant::is(Mutant::NoPingsDuringSync);
            if ping && !syncing {
                self.ping(id, chain);
            }
        }
    }

    fn patience(&self, whitelisted: bool) -> Patience {
        let patience = self.timing.patience(whitelisted && !mutant::is(Mutant::NoRelaxedTimeout));
        match mutant::is(Mutant::OneMissedPongLess) {
            true => Patience { missed_max: patience.missed_max - 1, ..patience },
            false => patience,
        }
    }

    fn next_check(&self, conn: &Conn) -> Option<Duration> {
        conn.liveness.next_check(&self.timing, self.patience(conn.whitelisted))
    }

    fn check_liveness(&mut self, id: ConnId) {
        let Some(whitelisted) = self.peers.get(id).map(|conn| conn.whitelisted) else { return };
        let patience = self.patience(whitelisted);
        let Some(conn) = self.peers.get_mut(id) else { return };
        let (ip, direction, max) = (conn.ip, conn.direction, patience.missed_max);
        match conn.liveness.check(self.now.at, &self.timing, patience) {
            Checked::Fine => {}
            Checked::Missed(missed) => self.tell(Event::PongMissed { ip, direction, missed, max }),
            Checked::Unresponsive(missed) => {
                self.tell(Event::PongMissed { ip, direction, missed, max });
                mark::reached(if whitelisted { Mark::MasternodeUnresponsive } else { Mark::PeerUnresponsive });
                self.tell(Event::Unresponsive { ip, direction, whitelisted, missed, timeout: patience.expires });
                self.drop_connection(id, "unresponsive");
            }
        }
    }
}
