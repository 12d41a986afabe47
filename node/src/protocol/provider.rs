//! Who is asked for a range of blocks (D-3, D-7, D-16).
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Core;
use super::download::Goal;
use super::peer_table::Conn;
use crate::chain::{ChainView, Height, HeightRange};

impl Core {
    /// Who is asked for `wanted`, and how much of it (D-7): the highest free peer, and not more than it reports. `but` are those that were asked
    /// for it before.
    pub(super) fn pick(
        &self,
        goal: Goal,
        wanted: HeightRange,
        but: &BTreeSet<IpAddr>,
        allow_benched: bool,
        chain: &dyn ChainView,
    ) -> Option<(IpAddr, HeightRange)> {
        let start = wanted.start();
        let eligible = |conn: &&Conn| {
            !conn.foreign
                && conn.reported.is_some_and(|height| height >= start)
                && !but.contains(&conn.ip)
                && (matches!(goal, Goal::Branch(_)) || !diverges(conn, chain))
        };
        let free = |conn: &&Conn| {
            !self.requests.open.contains_key(&conn.ip)
                && self.requests.may_ask(conn.ip, start, self.now.at, &self.timing)
        };
        let bench = |conn: &Conn| self.benches.until(conn.ip, self.now.at);
        let rank = |conn: &&Conn| (conn.reported, Reverse(conn.ip));
        let among = |role: &dyn Fn(&Conn) -> bool| {
            let all = || self.peers.established().filter(|conn| role(conn)).filter(eligible);
            all().filter(free).filter(|conn| bench(conn).is_none()).max_by_key(rank).or_else(|| {
                let all_benched = allow_benched && all().all(|conn| bench(conn).is_some());
                all().filter(|_| all_benched).filter(free).min_by_key(|conn| (bench(conn), conn.ip))
            })
        };
        let chosen = match goal {
            Goal::Masternodes(_) => among(&|conn| conn.whitelisted),
            // Who holds its beginning may go another way: asked where nobody serves the whole, and to hedge.
            Goal::Branch(_) => {
                let served = self.peers.established().filter(eligible).any(|conn| self.serves_branch(conn, start));
                let whole = served && but.is_empty();
                among(&|conn| self.holds_contested(conn.ip, whole))
            }
            // Its bench is no reason to ask nobody; a hedge asks those who report enough.
            Goal::Announced(ip, _) if but.is_empty() => {
                self.peers.by_ip(ip).filter(|conn| eligible(conn) && free(conn))
            }
            Goal::Announced(..) => among(&|conn| conn.whitelisted).or_else(|| among(&|conn| !conn.whitelisted)),
        }?;
        let end = wanted.end().min(chosen.reported.unwrap_or(start));
        Some((chosen.ip, HeightRange::new(start, end)?))
    }

    /// Whether a peer that holds the whole of the contested branch can be waited for: it is not benched, may be asked for what begins there, and
    /// has not been silent for as long as a hedge waits.
    fn serves_branch(&self, conn: &Conn, start: Height) -> bool {
        let now = self.now.at;
        let silent = |asked_at| now >= asked_at + self.timing.hedge_whitelisted;
        self.holds_contested(conn.ip, true)
            && self.benches.until(conn.ip, now).is_none()
            && !self.requests.is_repeated(conn.ip, start, now, &self.timing)
            && !self.requests.open.get(&conn.ip).is_some_and(|request| silent(request.asked_at))
    }
}

/// Whether a peer is known to hold another block at a height where ours is unchanged.
pub(super) fn diverges(conn: &Conn, chain: &dyn ChainView) -> bool {
    conn.diverges.is_some_and(|(height, ours)| chain.hash_at(height) == Some(ours))
}
