//! One peer's branch against ours (wire protocol, Fork choice): ask who holds which, fetch, compare, switch at once.
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::chain::{Branch, ChainView, Hash, Height, SealedBlock, Tip, Write, prefers};
use crate::protocol::download::{Goal, Purpose};
use crate::protocol::mark::{self, Mark};
use crate::protocol::mutant::{self, Mutant};
use crate::protocol::timing::BRANCH_BYTES;
use crate::protocol::{After, Core, Event, ForkStage, ForkStatus};
use crate::wire::Message;

/// A branch that is compared with ours.
#[derive(Debug)]
pub(in crate::protocol) struct Contest {
    /// Whose branch.
    pub ip: IpAddr,
    /// The last block in common.
    ancestor: Tip,
    /// Their block and ours after it.
    theirs: Hash,
    ours: Hash,
    /// Who holds which block there; who doesn't answer holds none.
    votes: BTreeMap<IpAddr, Hash>,
    waiting: BTreeSet<IpAddr>,
    /// Until when answers are awaited; `None` once the branch is fetched.
    pub deadline: Option<Duration>,
    /// The last time that something of the branch came.
    progressed: Duration,
    /// Bytes of JSON staged.
    staged: u64,
    /// The peer has no more of it than what came.
    exhausted: bool,
    /// Who begins it alike and then goes another way.
    strays: BTreeSet<IpAddr>,
    /// Something that is staged came from somebody else than the peer.
    helped: bool,
}

impl Contest {
    /// A peer's block at a height.
    pub fn vote(&mut self, ip: IpAddr, height: Height, hash: Option<Hash>) {
        if height == self.ancestor.height + 1
            && self.waiting.remove(&ip)
            && let Some(hash) = hash
        {
            self.votes.insert(ip, hash);
        }
    }

    /// A peer that is gone holds no branch any more.
    pub fn peer_gone(&mut self, ip: IpAddr) {
        self.votes.remove(&ip);
        self.waiting.remove(&ip);
    }

    /// Whether its votes are in, and its branch is being fetched.
    pub fn fetches(&self) -> bool {
        self.deadline.is_none()
    }

    /// How far it has come.
    pub(super) fn status(&self) -> ForkStatus {
        let stage = if self.fetches() { ForkStage::Fetch } else { ForkStage::Vote };
        ForkStatus { ip: self.ip, stage, ancestor: Some(self.ancestor.height) }
    }

    fn holders(&self, of: Hash) -> usize {
        self.votes.values().filter(|hash| **hash == of).count()
    }
}

impl Core {
    /// Whether a peer is known to hold the contested branch: where it begins, and, with the peer's own tip, the whole of it. In between others
    /// may go another way.
    pub(in crate::protocol) fn holds_contested(&self, ip: IpAddr, whole: bool) -> bool {
        let Some(contest) = &self.forks.contest else { return false };
        let tip = |ip| self.peers.by_ip(ip).and_then(|conn| conn.tip);
        let begins = contest.votes.get(&ip) == Some(&contest.theirs) && !contest.strays.contains(&ip);
        contest.ip == ip || (begins && (!whole || (tip(ip).is_some() && tip(ip) == tip(contest.ip))))
    }

    /// Whether the branch goes on once its peer may be asked again.
    fn branch_paced(&self) -> bool {
        let paced = |ip| self.requests.is_paced(ip, self.now.at, &self.timing);
        self.peers.established().any(|conn| self.holds_contested(conn.ip, true) && paced(conn.ip))
    }

    /// These sent what is staged of the branch.
    pub(in crate::protocol) fn branch_came_from(&mut self, senders: &BTreeSet<IpAddr>) {
        if let Some(contest) = &mut self.forks.contest {
            contest.helped |= senders.iter().any(|ip| *ip != contest.ip);
        }
    }

    /// What a peer sent of the branch does not follow what is staged. Another peer than the one whose branch it is has gone another way, or what is
    /// staged is another's that has: no offence. Returns whether it was that.
    pub(in crate::protocol) fn goes_another_way(&mut self, ip: IpAddr) -> bool {
        let Some(contest) = &mut self.forks.contest else { return false };
        if contest.ip != ip {
            contest.strays.insert(ip);
            return true;
        }
        let helped = contest.helped;
        if helped {
            self.abandon_contest("its holders go different ways");
        }
        helped
    }

    /// What the next staged block must extend.
    pub(in crate::protocol) fn branch_base(&self, chain: &dyn ChainView) -> Option<Tip> {
        let contest = self.forks.contest.as_ref().filter(|contest| contest.deadline.is_none())?;
        Some(chain.staged_tip().unwrap_or(contest.ancestor))
    }

    /// Whose branch it is, where its first block is not the one that the peer named: holders were counted for that one.
    pub(in crate::protocol) fn misnamed(&self, first: &SealedBlock) -> Option<IpAddr> {
        let contest = self.forks.contest.as_ref()?;
        let other = first.height() == contest.ancestor.height + 1 && first.hash() != contest.theirs;
        other.then_some(contest.ip)
    }

    pub(super) fn begin_contest(&mut self, ip: IpAddr, ancestor: Height, theirs: Option<Hash>, chain: &dyn ChainView) {
        let next = ancestor.saturating_add(1);
        let (Some(theirs), Some(ours), Some(block)) = (theirs, chain.hash_at(next), chain.block_at(ancestor)) else {
            // One of us ends at the ancestor: no fork, just a lag.
            if let Some(conn) = self.peers.by_ip_mut(ip) {
                conn.diverges = None;
            }
            return;
        };
        let patience = self.timing.hedge_whitelisted;
        match &self.forks.contest {
            // A branch that doesn't come must not keep us from another one.
            Some(contest)
                if contest.deadline.is_none()
                    && self.now.at >= contest.progressed + patience
                    && !self.branch_paced() =>
            {
                self.abandon_contest("nothing came of it");
            }
            Some(_) => {
                mark::reached(Mark::BranchWaits);
                self.forks.waiting.insert(ip, (ancestor, theirs));
                return;
            }
            None => {}
        }
        let mut contest = Contest {
            ip,
            ancestor: block.tip(),
            theirs,
            ours,
            votes: BTreeMap::new(),
            waiting: BTreeSet::new(),
            deadline: Some(self.now.at + self.timing.answer),
            progressed: self.now.at,
            staged: 0,
            exhausted: false,
            strays: BTreeSet::new(),
            helped: false,
        };
        let mut voters = Vec::new();
        for conn in self.peers.established().filter(|conn| conn.whitelisted && !conn.foreign) {
            if conn.ip == ip {
                contest.votes.insert(ip, theirs);
            } else {
                contest.waiting.insert(conn.ip);
                voters.push(conn.id);
            }
        }
        self.forks.contest = Some(contest);
        for id in voters {
            self.send(id, Message::GetBlockHash(next));
        }
        let answer_by = self.now.at + self.timing.answer;
        let now = self.now.at;
        if let Some(conn) = self.peers.by_ip_mut(ip) {
            conn.contested_at = Some(now);
            conn.tip = None;
            conn.tip_by = Some(answer_by);
            let id = conn.id;
            self.send(id, Message::GetChainTip);
        }
    }

    /// Compares a branch that had to wait, of whoever had to wait longest, then the highest: whoever answers first must not keep the others' from
    /// being compared for ever.
    pub(in crate::protocol) fn next_contest(&mut self, chain: &dyn ChainView) {
        if self.forks.contest.is_some() || self.write_pending() {
            return;
        }
        let rank = |ip: &IpAddr| {
            let conn = self.peers.by_ip(*ip);
            (conn.and_then(|conn| conn.contested_at), std::cmp::Reverse(conn.and_then(|conn| conn.reported)), *ip)
        };
        let next = self.forks.waiting.iter().min_by_key(|(ip, _)| rank(ip));
        if let Some((ip, (ancestor, theirs))) = next.map(|(ip, branch)| (*ip, *branch)) {
            self.forks.waiting.remove(&ip);
            self.begin_contest(ip, ancestor, Some(theirs), chain);
        }
    }

    /// Goes on once everybody has answered or the time is over.
    pub(in crate::protocol) fn settle_votes(&mut self, chain: &dyn ChainView) {
        let Some(contest) = &self.forks.contest else { return };
        let Some(deadline) = contest.deadline else { return };
        let conn = self.peers.by_ip(contest.ip);
        let complete = contest.waiting.is_empty() && conn.is_none_or(|conn| conn.tip.is_some());
        if !complete && self.now.at < deadline {
            return;
        }
        let Some(conn) = conn else { return self.abandon_contest("the peer is gone") };
        let ip = contest.ip;
        let ancestor = contest.ancestor.height;
        let height = conn.tip.map(|(height, _)| height).or(conn.reported).unwrap_or(ancestor + 1).max(ancestor + 1);
        // Without its hash a tip of equal length may win: it is fetched, then compared.
        let tip = conn.tip.map_or(Hash::ZERO, |(_, hash)| hash);
        if let Some(reason) = self.our_branch_wins(Tip { height, hash: tip, timestamp: 0 }, chain) {
            return self.keep(ip, reason);
        }
        let now = self.now.at;
        if let Some(contest) = &mut self.forks.contest {
            contest.deadline = None;
            contest.progressed = now;
        }
        self.branch_download.goal = Some(Goal::Branch(height));
        self.fill(Purpose::Branch, true, chain);
    }

    /// How many masternodes hold their branch, and how many ours.
    fn holders(&self) -> (usize, usize) {
        let own = usize::from(self.config.network.masternode);
        let of = |contest: &Contest| (contest.holders(contest.theirs), contest.holders(contest.ours) + own);
        self.forks.contest.as_ref().map(of).unwrap_or_default()
    }

    /// Why our branch stays against theirs with this tip; `None` where theirs wins.
    fn our_branch_wins(&self, their_tip: Tip, chain: &dyn ChainView) -> Option<String> {
        let contest = self.forks.contest.as_ref()?;
        let tip = chain.tip();
        let ancestor = contest.ancestor.height;
        let holders = self.holders();
        let theirs =
            Branch { holders: holders.0, length: their_tip.height.saturating_sub(ancestor), tip: their_tip.hash };
        let ours = Branch { holders: holders.1, length: tip.height.saturating_sub(ancestor), tip: tip.hash };
        let tie = (theirs.holders, theirs.length) == (ours.holders, ours.length);
        mark::reached(match () {
            () if theirs.holders != ours.holders => Mark::HoldersDecide,
            () if theirs.length != ours.length => Mark::LengthDecides,
            () if prefers(&theirs, &ours) => Mark::TieLost,
            () => Mark::TieWon,
        });
        if prefers(&theirs, &ours) && !(tie && mutant::is(Mutant::TieByArrival)) {
            return None;
        }
        Some(if holders.0 != holders.1 {
            format!("{} masternodes hold ours, {} theirs", holders.1, holders.0)
        } else if theirs.length != ours.length {
            format!("ours has {} blocks since height {ancestor}, theirs {}", ours.length, theirs.length)
        } else {
            "our tip hash is not the higher one".to_owned()
        })
    }

    pub(in crate::protocol) fn staged(&mut self, bytes: u64) {
        let now = self.now.at;
        let Some(contest) = &mut self.forks.contest else {
            return self.write(Write::Discard, After::Discard);
        };
        contest.staged += bytes;
        contest.progressed = now;
        if contest.staged > BRANCH_BYTES {
            self.abandon_contest("the branch is larger than 1 GiB");
        }
    }

    /// The peer says that it has no more blocks of the branch.
    pub(in crate::protocol) fn branch_exhausted(&mut self) {
        if let Some(contest) = &mut self.forks.contest {
            contest.exhausted = true;
        }
    }

    /// Decides once the branch is there, whole; gives it up once nobody serves it any more.
    pub(in crate::protocol) fn settle_contest(&mut self, chain: &dyn ChainView) {
        let Some(contest) = &self.forks.contest else { return };
        if contest.deadline.is_some() || self.write_pending() {
            return;
        }
        let (ip, exhausted, ancestor) = (contest.ip, contest.exhausted, contest.ancestor.height);
        let staged = chain.staged_tip();
        let goal = self.branch_download.goal.map(Goal::height);
        let whole = staged.is_some_and(|staged| goal.is_some_and(|goal| staged.height >= goal));
        let whole = whole || (mutant::is(Mutant::ReorgInParts) && staged.is_some());
        // Whoever serves the branch may have to answer something else first.
        let busy = || staged.is_none() && self.requests.open.contains_key(&ip) || !exhausted && self.branch_paced();
        if !whole && (!self.branch_download.ranges.is_empty() || busy()) {
            return;
        }
        match staged {
            Some(staged) if whole || exhausted => {
                if !self.judge_sender(ip, staged.height, chain) {
                    return self.keep(ip, "not on the consensus chain".to_owned());
                }
                if let Some(reason) = self.our_branch_wins(staged, chain) {
                    return self.keep(ip, reason);
                }
                let old = chain.tip();
                let after = After::Switch { old_height: old.height, old_tip: old.hash, ancestor };
                self.write(Write::Switch { ancestor }, after);
            }
            _ => self.abandon_contest("the branch did not come"),
        }
    }

    /// The chain is the branch now.
    pub(in crate::protocol) fn switched(&mut self) {
        self.forks.contest = None;
        self.forks.searches.clear();
        self.forks.waiting.clear();
        self.forget_downloads();
    }

    fn keep(&mut self, ip: IpAddr, reason: String) {
        // Those that would end the same way don't have to wait for it.
        let tip = |ip: &IpAddr| self.peers.by_ip(*ip).and_then(|conn| conn.tip);
        let (kept, (theirs, ours)) = (tip(&ip), self.holders());
        let branch = self.forks.contest.as_ref().map(|contest| contest.theirs);
        let same = |ip: &IpAddr, (_, next): &(Height, Hash)| match theirs < ours {
            true => branch == Some(*next),
            false => kept.is_some() && tip(ip) == kept,
        };
        let waiting = self.forks.waiting.iter().filter(|(ip, branch)| !same(ip, branch));
        self.forks.waiting = waiting.map(|(ip, branch)| (*ip, *branch)).collect();
        self.tell_sometimes("fork_kept", Some(ip), Event::ForkKept { ip, reason });
        self.end_contest();
    }

    /// Leaves a branch alone; its peer is not searched again while it is benched.
    pub(in crate::protocol) fn abandon_contest(&mut self, reason: &str) {
        let Some(contest) = &self.forks.contest else { return };
        let ip = contest.ip;
        let until = self.benches.until(ip, self.now.at).unwrap_or(self.now.at + self.timing.bench);
        self.forks.paused.insert(ip, until);
        mark::reached(Mark::BranchAbandoned);
        self.tell(Event::ForkGaveUp { ip, reason: reason.to_owned() });
        self.end_contest();
    }

    fn end_contest(&mut self) {
        self.forks.contest = None;
        self.branch_download.clear();
        self.requests.cancel(Purpose::Branch);
        self.write(Write::Discard, After::Discard);
    }
}
