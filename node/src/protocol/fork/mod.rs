//! Forks (Component 3, D-8): how they are noticed, searched, compared and followed.
mod contest;
mod search;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::mark::{self, Mark};
use super::mutant::{self, Mutant};
use super::{ConnId, Core, Event, ForkStage, ForkStatus};
use crate::chain::{ChainView, Hash, Height};
use crate::wire::Message;

pub(super) use contest::Contest;
use search::{Next, Search};

/// Depth of the search and attempts for whitelisted and for regular peers (Component 3).
const WHITELISTED: (u64, u32) = (10_000, 10);
const REGULAR: (u64, u32) = (2_000, 3);

/// All searches, and the one branch that is compared with ours.
#[derive(Debug, Default)]
pub(super) struct Forks {
    searches: BTreeMap<IpAddr, Search>,
    /// No search with these peers until then (D-6).
    paused: BTreeMap<IpAddr, Duration>,
    pub contest: Option<Contest>,
    /// Branches that were found while another was compared with ours, with the last block in common and their next one.
    waiting: BTreeMap<IpAddr, (Height, Hash)>,
}

impl Forks {
    /// What is under way, by address; the contest last.
    pub fn statuses(&self) -> Vec<ForkStatus> {
        let search = |ip: &IpAddr| ForkStatus { ip: *ip, stage: ForkStage::Search, ancestor: None };
        self.searches.keys().map(search).chain(self.contest.as_ref().map(Contest::status)).collect()
    }
}

impl Core {
    /// Asks every whitelisted peer for its tip, and those above us for their hash at our height (D-8).
    pub(super) fn ask_tips(&mut self, chain: &dyn ChainView) {
        let our = chain.tip().height;
        let answer_by = self.now.at + self.timing.answer;
        let whitelisted: Vec<(ConnId, Option<Height>)> = self
            .peers
            .established()
            .filter(|conn| conn.whitelisted && !conn.foreign)
            .map(|conn| (conn.id, conn.reported))
            .collect();
        for (id, reported) in whitelisted {
            if let Some(conn) = self.peers.get_mut(id) {
                conn.tip_by = Some(answer_by);
                conn.probes.clear();
            }
            self.send(id, Message::GetChainTip);
            if reported.is_some_and(|height| height > our) {
                self.probe(id, our);
            }
        }
    }

    /// A tip query stays unanswered: ask for a hash that both should hold.
    pub(super) fn probe_tip(&mut self, id: ConnId, chain: &dyn ChainView) {
        let our = chain.tip().height;
        let Some(conn) = self.peers.get(id) else { return };
        let height = conn.reported.unwrap_or(our).min(our);
        self.probe(id, height);
        self.settle_votes(chain);
    }

    fn probe(&mut self, id: ConnId, height: Height) {
        let fresh = self.peers.get_mut(id).is_some_and(|conn| conn.probes.insert(height));
        if fresh {
            self.send(id, Message::GetBlockHash(height));
        }
    }

    pub(super) fn tip_told(&mut self, id: ConnId, height: Height, hash: Hash, chain: &dyn ChainView) {
        self.report(id, height);
        let Some(conn) = self.peers.get_mut(id).filter(|conn| !conn.foreign) else { return };
        let asked = conn.tip_by.take().is_some();
        conn.tip = Some((height, hash));
        let ip = conn.ip;
        // Whose branch is being compared with ours is known to differ. What it answers then must not lead to the next search: where our branch
        // stays, one would follow the other as fast as the network allows.
        let compared = self.forks.contest.as_ref().is_some_and(|contest| contest.ip == ip);
        let asked = asked && (!compared || mutant::is(Mutant::SearchesKeptAgain));
        if asked && height > chain.tip().height {
            self.probe(id, chain.tip().height);
        } else if asked && !(height < chain.tip().height && mutant::is(Mutant::LowerPeersNotChecked)) {
            self.compare(ip, height, hash, chain);
        }
        self.settle_votes(chain);
    }

    pub(super) fn hash_told(&mut self, id: ConnId, height: Height, hash: Option<Hash>, chain: &dyn ChainView) {
        let Some(conn) = self.peers.get_mut(id).filter(|conn| !conn.foreign) else { return };
        let ip = conn.ip;
        let probed = conn.probes.remove(&height);
        if let Some(search) = self.forks.searches.get_mut(&ip).filter(|search| search.waits_for(height)) {
            let next = search.answer(height, hash, chain.hash_at(height));
            self.follow_search(ip, next, chain);
        }
        if let Some(contest) = &mut self.forks.contest {
            contest.vote(ip, height, hash);
            self.settle_votes(chain);
        }
        if probed && let Some(theirs) = hash {
            self.compare(ip, height, theirs, chain);
        }
    }

    /// A peer's hash at a height that we may hold too.
    fn compare(&mut self, ip: IpAddr, height: Height, theirs: Hash, chain: &dyn ChainView) {
        let Some(ours) = chain.hash_at(height) else { return };
        if ours != theirs {
            self.diverged(ip, height, ours, theirs, height, chain);
        } else if let Some(conn) = self.peers.by_ip_mut(ip) {
            // A block in common says nothing of the blocks above it.
            conn.diverges = conn.diverges.filter(|(diverges, _)| *diverges > height);
        }
    }

    /// A peer holds `theirs` at a height where we hold `ours`. `offered` is the highest block it showed.
    /// Returns whether its fork is being resolved now.
    pub(super) fn diverged(
        &mut self,
        ip: IpAddr,
        height: Height,
        ours: Hash,
        theirs: Hash,
        offered: Height,
        chain: &dyn ChainView,
    ) -> bool {
        let Some(conn) = self.peers.by_ip_mut(ip).filter(|conn| !conn.foreign) else { return false };
        let skipped = mutant::is(Mutant::ForksSkipped);
        if !skipped {
            conn.diverges = Some((height, ours));
        }
        let priority = conn.whitelisted && self.config.sync.priority_forks;
        if self.forks.searches.contains_key(&ip) || self.forks.contest.as_ref().is_some_and(|contest| contest.ip == ip)
        {
            return true;
        }
        let paused = self.forks.paused.get(&ip).is_some_and(|until| *until > self.now.at);
        if paused || !self.judge_sender(ip, offered, chain) {
            return false;
        }
        self.forks.paused.remove(&ip);
        self.tell_sometimes("fork_detected", Some(ip), Event::ForkDetected { ip, height, ours, theirs });
        if skipped {
            return false;
        }
        let (limit, _) = limits(priority);
        if priority {
            self.tell_sometimes("priority_fork", Some(ip), Event::PriorityFork { ip, depth: limit });
        }
        let checkpoint = self.config.chain.checkpoints.iter().map(|(height, _)| *height).max().unwrap_or(0);
        let limit = if mutant::is(Mutant::SearchWithoutLimit) { Height::MAX } else { limit };
        let floor = chain.tip().height.saturating_sub(limit).max(checkpoint);
        let mut search = Search::new(limit, floor, height, theirs);
        let next = search.begin();
        self.forks.searches.insert(ip, search);
        self.follow_search(ip, next, chain);
        true
    }

    fn follow_search(&mut self, ip: IpAddr, next: Next, chain: &dyn ChainView) {
        let Some(conn) = self.peers.by_ip(ip) else { return };
        let (id, priority) = (conn.id, conn.whitelisted && self.config.sync.priority_forks);
        let Some(search) = self.forks.searches.get_mut(&ip) else { return };
        match next {
            Next::Wait => {}
            Next::Probe(heights) => {
                search.deadline = self.now.at + self.timing.answer;
                for height in heights {
                    self.send(id, Message::GetBlockHash(height));
                }
            }
            Next::Found { ancestor, theirs } => {
                let round_trips = search.round_trips;
                self.forks.searches.remove(&ip);
                let depth = chain.tip().height.saturating_sub(ancestor);
                if depth > 2_000 {
                    mark::reached(Mark::DeepAncestor);
                }
                self.tell_sometimes(
                    "ancestor_found",
                    Some(ip),
                    Event::AncestorFound { ip, height: ancestor, depth, round_trips },
                );
                self.begin_contest(ip, ancestor, theirs, chain);
            }
            Next::NothingInCommon => {
                mark::reached(Mark::NothingInCommon);
                let reason = format!("no common block within {} blocks", search.limit);
                self.give_up(ip, reason);
            }
            Next::Inconclusive => self.attempt_failed(ip, priority, chain),
        }
    }

    fn attempt_failed(&mut self, ip: IpAddr, priority: bool, chain: &dyn ChainView) {
        let Some(search) = self.forks.searches.get_mut(&ip) else { return };
        let (_, attempts) = limits(priority);
        search.failed += u32::from(!mutant::is(Mutant::EndlessSearch));
        if search.failed >= attempts {
            mark::reached(Mark::SearchFailed);
            let reason = format!("{attempts} attempts failed");
            return self.give_up(ip, reason);
        }
        let next = search.begin();
        self.follow_search(ip, next, chain);
    }

    fn give_up(&mut self, ip: IpAddr, reason: String) {
        self.forks.searches.remove(&ip);
        self.forks.paused.insert(ip, self.now.at + self.timing.search_pause);
        self.tell(Event::ForkGaveUp { ip, reason });
    }

    /// A peer is gone, or its chain is not ours: nothing more is to be had from it.
    pub(super) fn fork_peer_gone(&mut self, ip: IpAddr) {
        self.forks.searches.remove(&ip);
        self.forks.waiting.remove(&ip);
        if let Some(contest) = &mut self.forks.contest {
            contest.peer_gone(ip);
        }
    }

    pub(super) fn fork_deadline(&self) -> Option<Duration> {
        let searches = self.forks.searches.values().map(|search| search.deadline);
        searches.chain(self.forks.contest.as_ref().and_then(|contest| contest.deadline)).min()
    }

    pub(super) fn fork_timers(&mut self, chain: &dyn ChainView) {
        let now = self.now.at;
        let late: Vec<IpAddr> =
            self.forks.searches.iter().filter(|(_, search)| search.deadline <= now).map(|(ip, _)| *ip).collect();
        for ip in late {
            let priority = self.whitelist.contains(&ip) && self.config.sync.priority_forks;
            self.attempt_failed(ip, priority, chain);
        }
        self.settle_votes(chain);
    }
}

fn limits(priority: bool) -> (u64, u32) {
    if priority { WHITELISTED } else { REGULAR }
}
