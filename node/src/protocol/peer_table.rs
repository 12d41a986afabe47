//! Who is connected and what each has told: one table (D-9).
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::bans::Rates;
use super::liveness::Liveness;
use super::timing::Timing;
use super::{ConnId, Direction};
use crate::chain::{Hash, Height};

/// One connection.
#[derive(Debug)]
pub(super) struct Conn {
    pub id: ConnId,
    pub ip: IpAddr,
    pub local: IpAddr,
    pub direction: Direction,
    pub whitelisted: bool,
    pub opened_at: Duration,
    /// When the handshake was done.
    pub established_at: Option<Duration>,
    pub liveness: Liveness,
    pub rates: Rates,
    /// The newest height it told (D-9, D-21).
    pub reported: Option<Height>,
    /// When it did.
    pub reported_at: Duration,
    /// It called itself a masternode; nothing but the status depends on it.
    pub masternode: bool,
    /// Above our tip, told by BlockInventory or BlockAnnouncement, not asked for yet (D-16).
    pub announced: Option<Height>,
    /// Its tip as it last told it with a hash.
    pub tip: Option<(Height, Hash)>,
    /// Holds another genesis (D-19).
    pub foreign: bool,
    /// When a missing answer about its genesis makes us ask for block 0.
    pub genesis_by: Option<Duration>,
    /// When a missing answer about its tip makes us ask for a hash (D-8).
    pub tip_by: Option<Duration>,
    /// Heights whose hash we asked for, for the fork check.
    pub probes: BTreeSet<Height>,
    /// When its branch was last compared with ours.
    pub contested_at: Option<Duration>,
    /// It is known to hold another block than ours (this hash) at this height.
    pub diverges: Option<(Height, Hash)>,
}

impl Conn {
    /// Whose dial made it (D-18).
    pub fn dialler(&self) -> IpAddr {
        match self.direction {
            Direction::Inbound => self.ip,
            Direction::Outbound => self.local,
        }
    }
}

/// All connections, and the established one of each IP.
#[derive(Debug, Default)]
pub(super) struct PeerTable {
    conns: BTreeMap<ConnId, Conn>,
    established: BTreeMap<IpAddr, ConnId>,
}

impl PeerTable {
    #[allow(clippy::too_many_arguments, reason = "one call site, named by the input's fields")]
    pub fn open(
        &mut self,
        id: ConnId,
        ip: IpAddr,
        local: IpAddr,
        direction: Direction,
        whitelisted: bool,
        now: Duration,
        timing: &Timing,
    ) {
        let conn = Conn {
            id,
            ip,
            local,
            direction,
            whitelisted,
            opened_at: now,
            established_at: None,
            liveness: Liveness::new(now, timing),
            rates: Rates::default(),
            reported: None,
            reported_at: now,
            masternode: false,
            announced: None,
            tip: None,
            foreign: false,
            genesis_by: None,
            tip_by: None,
            contested_at: None,
            probes: BTreeSet::new(),
            diverges: None,
        };
        self.conns.insert(id, conn);
    }

    pub fn get(&self, id: ConnId) -> Option<&Conn> {
        self.conns.get(&id)
    }

    pub fn get_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.conns.get_mut(&id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Conn> {
        self.conns.values()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Conn> {
        self.conns.values_mut()
    }

    /// The established connection with an IP.
    pub fn by_ip(&self, ip: IpAddr) -> Option<&Conn> {
        self.established.get(&ip).and_then(|id| self.conns.get(id))
    }

    /// As [`PeerTable::by_ip`].
    pub fn by_ip_mut(&mut self, ip: IpAddr) -> Option<&mut Conn> {
        self.established.get(&ip).and_then(|id| self.conns.get_mut(id))
    }

    pub fn establish(&mut self, id: ConnId, now: Duration) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.established_at = Some(now);
            self.established.insert(conn.ip, id);
        }
    }

    pub fn remove(&mut self, id: ConnId) -> Option<Conn> {
        let conn = self.conns.remove(&id)?;
        if self.established.get(&conn.ip) == Some(&id) {
            self.established.remove(&conn.ip);
        }
        Some(conn)
    }

    /// Established connections, in order of IP.
    pub fn established(&self) -> impl Iterator<Item = &Conn> {
        self.established.values().filter_map(|id| self.conns.get(id))
    }

    /// Established connections of our genesis with a known height.
    pub fn heights(&self) -> impl Iterator<Item = (&Conn, Height)> {
        self.established().filter(|conn| !conn.foreign).filter_map(|conn| Some((conn, conn.reported?)))
    }

    /// Whitelisted ones of [`PeerTable::heights`]: what the coordinator goes by.
    pub fn masternode_heights(&self) -> impl Iterator<Item = (&Conn, Height)> {
        self.heights().filter(|(conn, _)| conn.whitelisted)
    }

    /// Regular established connections, and all.
    pub fn counts(&self) -> (usize, usize) {
        let regulars = self.established().filter(|conn| !conn.whitelisted).count();
        (regulars, self.established.len())
    }
}
