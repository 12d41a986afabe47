//! Getting blocks: ticks of the coordinator, whom to ask for what, answers, and what becomes of them.
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::consensus_check::{Vote, vote};
use super::coordinator::{self, Finding, Lag, Source};
use super::download::{Download, Goal, Purpose, Range, Request, fitting};
use super::mark::{self, Mark};
use super::mutant::{self, Mutant};
use super::peer_table::Conn;
use super::provider::diverges;
use super::timing::RANGES_AT_ONCE;
use super::{After, ConnId, Core, Direction, Event};
use crate::chain::{BlockError, ChainView, Hash, Height, HeightRange, SealedBlock, Tip, Write, check};
use crate::wire::Message;

/// What the coordinator said last (D-10), and since when we catch up.
#[derive(Debug, Default)]
pub(super) struct LastTold {
    state: Option<(State, Duration)>,
    since: Option<Duration>,
    /// Heights of closed connections; only a mutant fills it.
    pub ghosts: Vec<Height>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    InSync,
    Behind,
    NoPeer,
    Ahead,
    PeerAhead,
}

impl Core {
    /// "Am I behind?", once per interval (D-20: on what is known now).
    pub(super) fn tick(&mut self, chain: &dyn ChainView) {
        self.tick_at = Some(self.now.at + self.timing.coordinator);
        let our = chain.tip().height;
        let finding = self.finding(chain);
        let initiated = finding.is_some_and(|finding| self.pursue(finding, true, chain));
        let (consensus, deviation) = (finding.map(|finding| finding.consensus), self.height_deviation());
        self.tell(Event::Checked { our, consensus, deviation, initiated });
        self.ask_tips(chain);
    }

    /// Says where we stand, and asks for what is missing. Returns whether a request left.
    fn pursue(&mut self, finding: Finding, allow_benched: bool, chain: &dyn ChainView) -> bool {
        let our = chain.tip().height;
        let (goal, best) = match finding.lag {
            Lag::Behind => (Some(finding.consensus), self.next_source(our, finding.consensus, chain)),
            Lag::LeaderAhead { ip, height } => (Some(height), Some(ip)),
            Lag::InSync => (None, None),
        };
        self.tell_standing(our, finding, best);
        goal.is_some_and(|height| {
            self.chain_download.goal = Some(Goal::Masternodes(height));
            self.fill(Purpose::Chain, allow_benched, chain)
        })
    }

    /// What a tick wanted is there. Where that was the mean of two heights, or where the others went on meanwhile, we are still behind: the next
    /// blocks are asked for now and not at the next tick, which would be 30 s for each halving of the lag (D-2 holds for the whole way).
    pub(super) fn look_again(&mut self, chain: &dyn ChainView) {
        let Some(Goal::Masternodes(height)) = self.chain_download.goal else { return };
        let reached = chain.tip().height >= height && self.chain_download.ranges.is_empty() && !self.write_pending();
        if !reached || mutant::is(Mutant::LooksAtTicksOnly) {
            return;
        }
        if let Some(finding) = self.finding(chain).filter(|finding| finding.lag != Lag::InSync) {
            mark::reached(Mark::LookedAgain);
            self.pursue(finding, false, chain);
        }
    }

    pub(super) fn finding(&self, chain: &dyn ChainView) -> Option<Finding> {
        let sync = &self.config.sync;
        coordinator::find(chain.tip().height, &self.sources(), sync.sync_threshold, sync.leader_rule)
    }

    fn sources(&self) -> Vec<Source> {
        let source = |(conn, height): (&Conn, Height)| {
            let benched = self.benches.until(conn.ip, self.now.at).is_some();
            Source { ip: conn.ip, height, benched }
        };
        let twice = |(conn, _): &(&Conn, Height)| {
            let mut listed = self.config.network.whitelisted_peers.iter();
            mutant::is(Mutant::PortMakesTwoPeers) && listed.any(|peer| peer.ip == conn.ip && peer.port.is_some())
        };
        let again = self.peers.masternode_heights().filter(twice);
        let ghost = |height: &Height| Source { ip: IpAddr::from([0, 0, 0, 0]), height: *height, benched: true };
        self.peers.masternode_heights().chain(again).map(source).chain(self.standing.ghosts.iter().map(ghost)).collect()
    }

    /// Whom the line about our lag names: who is asked already, else who is asked next.
    fn next_source(&self, our: Height, target: Height, chain: &dyn ChainView) -> Option<IpAddr> {
        let asked = self.requests.wanted(Purpose::Chain).next();
        let next = || {
            self.pick(
                Goal::Masternodes(target),
                HeightRange::new(our.checked_add(1)?, target)?,
                &BTreeSet::new(),
                true,
                chain,
            )
        };
        asked.map(|(ip, _)| *ip).or_else(|| next().map(|(ip, _)| ip))
    }

    fn tell_standing(&mut self, our: Height, finding: Finding, best: Option<IpAddr>) {
        let consensus = finding.consensus;
        let (state, event) = match (finding.lag, best) {
            (Lag::Behind, Some(ip)) => (State::Behind, Event::Behind { our, consensus, ip }),
            (Lag::Behind, None) => {
                mark::reached(Mark::NoPeer);
                (State::NoPeer, Event::NoPeer { our, consensus })
            }
            _ if finding.alarming(our) => {
                mark::reached(Mark::LeadAlarm);
                (State::Ahead, Event::Ahead { our, consensus })
            }
            (Lag::LeaderAhead { ip, height }, _) => (State::PeerAhead, Event::PeerAhead { ip, blocks: height - our }),
            (Lag::InSync, _) => (State::InSync, Event::InSync { our, consensus, changed: false }),
        };
        let changed = self.standing.state.is_none_or(|(last, _)| last != state);
        let repeat = self.standing.state.is_none_or(|(_, told)| self.now.at >= told + self.timing.repeat);
        if changed || (repeat && state != State::InSync) {
            self.standing.state = Some((state, self.now.at));
        }
        match event {
            Event::InSync { .. } => {
                self.tell(Event::InSync { our, consensus, changed });
                if let Some(since) = self.standing.since.take() {
                    self.tell(Event::SyncFinished { took: self.now.at.saturating_sub(since) });
                }
            }
            event if changed || repeat => self.tell(event),
            _ => {}
        }
    }

    /// Standard deviation of the heights of all connected peers (decisions, Metrics).
    fn height_deviation(&self) -> f64 {
        let heights: Vec<f64> = self.peers.heights().map(|(_, height)| height as f64).collect();
        if heights.is_empty() {
            return 0.0;
        }
        let count = heights.len() as f64;
        let mean = heights.iter().sum::<f64>() / count;
        (heights.iter().map(|height| (height - mean).powi(2)).sum::<f64>() / count).sqrt()
    }

    fn download(&mut self, purpose: Purpose) -> &mut Download {
        match purpose {
            Purpose::Chain => &mut self.chain_download,
            Purpose::Branch => &mut self.branch_download,
        }
    }

    /// Asks for whatever is wanted and not asked for. Returns whether a request left.
    pub(super) fn fill(&mut self, purpose: Purpose, allow_benched: bool, chain: &dyn ChainView) -> bool {
        let Some(goal) = self.download(purpose).goal else { return false };
        let Some(base) = self.base(purpose, chain) else { return false };
        let mut asked = false;
        for i in 0..self.download(purpose).ranges.len() {
            let Some(missing) = self.download(purpose).ranges[i].missing() else { continue };
            if self.under_way(purpose, missing) {
                continue;
            }
            // Who announced it and then didn't have it is not asked again at once: its bench doesn't count (D-16).
            let but = match goal {
                Goal::Announced(..) => self.download(purpose).ranges[i].asked.clone(),
                _ => BTreeSet::new(),
            };
            if let Some((ip, range)) = self.pick(goal, missing, &but, allow_benched, chain) {
                self.ask(purpose, i, ip, range, false);
                asked = true;
            }
        }
        let planned = self.planned(purpose, base.height);
        while let Some(planned) = planned
            && self.download(purpose).ranges.len() < RANGES_AT_ONCE
        {
            if mutant::is(Mutant::OneRangeATick) && !(allow_benched && self.download(purpose).ranges.is_empty()) {
                break;
            }
            let start = self.download(purpose).ranges.back().map_or(planned, |range| range.end).saturating_add(1);
            let batch = self.config.sync.max_sync_batch_size - 1;
            let batch = if mutant::is(Mutant::RangesWithoutLimit) { u64::MAX } else { batch };
            let end = goal.height().min(start.saturating_add(batch));
            let end = end.saturating_add(2 * u64::from(mutant::is(Mutant::RangeEndTooFar)));
            let Some(wanted) = HeightRange::new(start, end) else { break };
            let Some((ip, range)) = self.pick(goal, wanted, &BTreeSet::new(), allow_benched, chain) else { break };
            let fresh =
                Range { start, end: range.end(), got: VecDeque::new(), asked: BTreeSet::new(), hedge_at: self.now.at };
            self.download(purpose).ranges.push_back(fresh);
            let last = self.download(purpose).ranges.len() - 1;
            self.ask(purpose, last, ip, range, false);
            asked = true;
        }
        self.forget_hopeless(purpose);
        asked
    }

    /// A download that waits for nobody and holds nothing of what is next is over; the next tick decides again. What came of later ranges is no
    /// use without it, and as long as there is a download nothing is announced and no block is made.
    fn forget_hopeless(&mut self, purpose: Purpose) {
        let holds = self.download(purpose).ranges.front().is_some_and(|range| !range.got.is_empty());
        let paced = self.requests.paced_until(self.now.at, &self.timing).is_some();
        if !holds && !paced && self.requests.wanted(purpose).next().is_none() && !self.write_pending() {
            match purpose {
                Purpose::Chain => self.chain_download.clear(),
                // Its goal still says whether the branch is whole.
                Purpose::Branch => self.branch_download.ranges.clear(),
            }
        }
    }

    fn under_way(&self, purpose: Purpose, missing: HeightRange) -> bool {
        self.requests.wanted(purpose).any(|(_, request)| overlap(request.range, missing))
    }

    fn ask(&mut self, purpose: Purpose, index: usize, ip: IpAddr, range: HeightRange, hedge: bool) {
        let Some(conn) = self.peers.by_ip(ip) else { return };
        let (id, direction, whitelisted) = (conn.id, conn.direction, conn.whitelisted);
        let (timeout, hedge_after) = if whitelisted || mutant::is(Mutant::RegularTimeoutAsLong) {
            (self.timing.timeout_whitelisted, self.timing.hedge_whitelisted)
        } else {
            (self.timing.timeout_regular, self.timing.hedge_regular)
        };
        let now = self.now.at;
        self.requests.asked(
            ip,
            Request { purpose, range, asked_at: now, deadline: now + timeout, cancelled: false },
            now,
            &self.timing,
        );
        if hedge {
            mark::reached(Mark::HedgeAsked);
        }
        let wanted = &mut self.download(purpose).ranges[index];
        wanted.asked.insert(ip);
        wanted.hedge_at = now + hedge_after;
        if whitelisted && purpose == Purpose::Chain {
            self.standing.since.get_or_insert(now);
        }
        // A production dialler ignores GetBlockRange (D-24).
        let message = match direction {
            Direction::Outbound => Message::GetBlockRange { start_height: range.start(), end_height: range.end() },
            Direction::Inbound => Message::GetBlocks(range.start(), range.end()),
        };
        self.send(id, message);
        self.tell(Event::Requested { ip, range, timeout, whitelisted, hedge });
    }

    pub(super) fn sync_deadline(&self) -> Option<Duration> {
        let deadlines = self.requests.open.values().map(|request| request.deadline);
        let hedges = [&self.chain_download, &self.branch_download];
        let hedges = hedges.into_iter().flat_map(|download| &download.ranges).filter(|range| range.missing().is_some());
        let wants = self.chain_download.goal.is_some() || self.branch_download.goal.is_some();
        let paced = self.requests.paced_until(self.now.at, &self.timing).filter(|_| wants);
        deadlines.chain(hedges.map(|range| range.hedge_at)).chain(paced).min()
    }

    pub(super) fn sync_timers(&mut self, chain: &dyn ChainView) {
        let now = self.now.at;
        let late: Vec<(IpAddr, Request)> =
            self.requests.open.iter().filter(|(_, request)| request.deadline <= now).map(|(ip, r)| (*ip, *r)).collect();
        for (ip, request) in late {
            if !request.cancelled {
                self.requests.expired.insert(ip, (request, true));
            }
            self.request_failed(ip, "no answer in time");
        }
        self.hedge(chain);
    }

    /// Asks another peer for what the first keeps us waiting for (D-3).
    fn hedge(&mut self, chain: &dyn ChainView) {
        let now = self.now.at;
        for purpose in [Purpose::Chain, Purpose::Branch] {
            for i in 0..self.download(purpose).ranges.len() {
                let (goal, range) = (self.download(purpose).goal, &self.download(purpose).ranges[i]);
                let (Some(goal), Some(missing)) = (goal, range.missing()) else { continue };
                if range.hedge_at > now {
                    continue;
                }
                let asked = range.asked.clone();
                let other = self.pick(goal, missing, &asked, false, chain).filter(|_| !mutant::is(Mutant::NoHedge));
                match other {
                    Some((ip, range)) => self.ask(purpose, i, ip, range, true),
                    None => {
                        let again = now + self.timing.hedge_regular.max(Duration::from_millis(1));
                        self.download(purpose).ranges[i].hedge_at = again;
                    }
                }
            }
        }
    }

    /// The connection that a request was sent on is gone, or its chain is not ours.
    pub(super) fn request_closed(&mut self, ip: IpAddr) {
        self.requests.expired.remove(&ip);
        self.request_failed(ip, "connection closed");
    }

    fn request_failed(&mut self, ip: IpAddr, reason: &str) {
        match self.requests.open.remove(&ip) {
            Some(request) if request.cancelled => {
                // Said all the same: the peer is free again.
                let (reason, whitelisted) =
                    (format!("{reason}, and not wanted any more"), self.whitelist.contains(&ip));
                self.tell(Event::RequestFailed {
                    ip,
                    range: request.range,
                    reason,
                    whitelisted,
                    benched: Duration::ZERO,
                });
            }
            Some(request) => self.failed(ip, request.range, reason),
            None => {}
        }
    }

    /// Benches a peer whose answer was no use (D-22).
    fn failed(&mut self, ip: IpAddr, range: HeightRange, reason: &str) {
        let whitelisted = self.whitelist.contains(&ip);
        let benched = self.benches.failed(ip, self.now.at, &self.timing);
        self.tell(Event::RequestFailed { ip, range, reason: reason.to_owned(), whitelisted, benched });
    }

    /// A list of blocks, asked for or not (D-23).
    pub(super) fn answered(&mut self, ip: IpAddr, blocks: &[SealedBlock], chain: &dyn ChainView) {
        if self.peers.by_ip(ip).is_none_or(|conn| conn.foreign) {
            return;
        }
        let open = self.requests.open.get(&ip).copied();
        let expired = self.requests.expired.get(&ip).copied();
        let Some(first) = blocks.first().map(SealedBlock::height) else {
            mark::reached(Mark::EmptyAnswer);
            match (open, expired) {
                (_, Some((request, true))) => {
                    self.requests.expired.insert(ip, (request, false));
                }
                (Some(request), _) => {
                    if request.purpose == Purpose::Branch && !request.cancelled {
                        self.branch_exhausted();
                    }
                    self.request_failed(ip, "empty answer");
                }
                _ => {}
            }
            return;
        };
        let inside = |request: Request| blocks.iter().any(|block| request.range.contains(block.height()));
        if let Some(request) = open.filter(|request| inside(*request)) {
            self.requests.open.remove(&ip);
            let late = self.now.at > request.asked_at + Duration::from_secs(60);
            if late && mutant::is(Mutant::LateAnswerDropped) {
                return self.failed(ip, request.range, "late");
            }
            if request.cancelled {
                mark::reached(Mark::AnswerCancelled);
                self.tell_received(ip, first, blocks.len() as u64);
                return self.unasked(ip, blocks, chain);
            }
            self.use_answer(ip, request, blocks, chain);
        } else if let Some((request, _)) = expired.filter(|(request, _)| request.range.contains(first)) {
            self.requests.expired.remove(&ip);
            mark::reached(Mark::LateAnswerUsed);
            self.use_answer(ip, request, blocks, chain);
        } else if open.is_some() && blocks.iter().all(|block| chain.hash_at(block.height()) == Some(block.hash())) {
            self.request_failed(ip, "only blocks we hold already");
        } else {
            self.unasked(ip, blocks, chain);
        }
    }

    fn use_answer(&mut self, ip: IpAddr, request: Request, blocks: &[SealedBlock], chain: &dyn ChainView) {
        let Some(conn) = self.peers.by_ip(ip) else { return };
        let whitelisted = conn.whitelisted;
        self.judge_sender(ip, 0, chain);
        let place = |range: &Range| {
            let missing = range.missing()?;
            let fits = fitting(blocks, HeightRange::new(missing.start(), missing.end().min(request.range.end()))?);
            (!fits.is_empty()).then_some(fits)
        };
        let ranges = &mut self.download(request.purpose).ranges;
        // What was asked for, first: with other blocks in it an answer may help elsewhere.
        let wanted = |range: &Range| range.missing().is_some_and(|missing| overlap(missing, request.range));
        let (own, others): (Vec<_>, Vec<_>) = ranges.iter().enumerate().partition(|(_, range)| wanted(range));
        let found = own.into_iter().chain(others).find_map(|(i, range)| Some((i, place(range)?)));
        let Some((i, fits)) = found else {
            // Where nothing of the range is missing any more, another peer was faster.
            if self.download(request.purpose).ranges.iter().any(wanted) {
                self.failed(ip, request.range, "nothing that links");
            } else {
                // Said all the same: the request is over.
                let fits = fitting(blocks, request.range);
                let start = fits.first().map_or(request.range.start(), SealedBlock::height);
                self.tell_received(ip, start, (fits.len() as u64).max(1));
            }
            return;
        };
        let count = fits.len() as u64;
        let start = fits[0].height();
        if count < request.range.len() {
            mark::reached(Mark::ShortAnswer);
        }
        let first_asked = |other: &Request| overlap(other.range, request.range) && other.asked_at < request.asked_at;
        let is_hedge = self.requests.open.values().any(first_asked);
        if is_hedge {
            mark::reached(Mark::HedgeWon);
        }
        if count < request.range.len() && mutant::is(Mutant::ShortAnswerIsNone) {
            return self.failed(ip, request.range, "short answer");
        }
        let hedge_after = if whitelisted { self.timing.hedge_whitelisted } else { self.timing.hedge_regular };
        let now = self.now.at;
        let range = &mut self.download(request.purpose).ranges[i];
        range.got.extend(fits.into_iter().map(|block| (block, ip)));
        range.hedge_at = now + hedge_after;
        if is_hedge && range.missing().is_some() {
            // Who was asked first has kept us waiting that long already: the rest is asked of who answers.
            range.hedge_at = now;
            range.asked.remove(&ip);
        }
        self.benches.cleared(ip);
        self.tell_received(ip, start, count);
    }

    fn tell_received(&mut self, ip: IpAddr, start: Height, count: u64) {
        let Some(conn) = self.peers.by_ip(ip) else { return };
        let (direction, whitelisted) = (conn.direction, conn.whitelisted);
        if let Some(range) = HeightRange::new(start, start.saturating_add(count - 1)) {
            self.tell(Event::Received { ip, direction, range, count, whitelisted });
        }
    }

    /// The vote about a peer far ahead (Component 2): says so, and whether its fork may be followed.
    pub(super) fn judge_sender(&mut self, ip: IpAddr, offered: Height, chain: &dyn ChainView) -> bool {
        let Some(conn) = self.peers.by_ip(ip) else { return false };
        let our = chain.tip().height;
        let tip = conn.reported.unwrap_or(0).max(offered);
        let others = self.peers.heights().filter(|(other, _)| other.ip != ip).map(|(_, height)| height);
        let vote = vote(our, tip, others);
        if vote == Vote::NotNeeded {
            return true;
        }
        if conn.whitelisted && self.config.sync.trust_whitelisted && !mutant::is(Mutant::NoBypass) {
            mark::reached(Mark::Bypass);
            self.tell_sometimes("priority_sync", Some(ip), Event::PrioritySync { ip, tip, our });
            return true;
        }
        if let Vote::Failed { agree, total } = vote {
            mark::reached(Mark::Deferred);
            self.tell_sometimes("off_consensus", Some(ip), Event::OffConsensus { ip, agree, total, tip });
            return false;
        }
        mark::reached(Mark::VotePassed);
        true
    }

    /// The height from `base` on that is taken or on its way to the disk: the next range is asked for while the last one is written.
    /// `None` while another write would make it start in the wrong place.
    fn planned(&self, purpose: Purpose, base: Height) -> Option<Height> {
        self.writes.iter().try_fold(base, |planned, (write, _)| match (purpose, write) {
            (Purpose::Chain, Write::Append(blocks)) | (Purpose::Branch, Write::Stage(blocks)) => {
                Some(blocks.last().map_or(planned, SealedBlock::height))
            }
            _ => None,
        })
    }

    /// The block that the next one of a download must extend.
    fn base(&self, purpose: Purpose, chain: &dyn ChainView) -> Option<Tip> {
        match purpose {
            Purpose::Chain => Some(chain.tip()),
            Purpose::Branch => self.branch_base(chain),
        }
    }

    /// Appends what has come for the chain, as far as it is valid.
    pub(super) fn consume_chain(&mut self, chain: &dyn ChainView) {
        if let Some(blocks) = self.take_valid(Purpose::Chain, chain) {
            let count = blocks.len() as u64;
            self.write(Write::Append(blocks), After::Append { count });
        }
    }

    /// Stages what has come of the contested branch, as far as it is valid.
    pub(super) fn consume_branch(&mut self, chain: &dyn ChainView) {
        if let Some(blocks) = self.take_valid(Purpose::Branch, chain) {
            if let Some(ip) = blocks.first().and_then(|first| self.misnamed(first)) {
                if let Some(range) = HeightRange::new(blocks[0].height(), blocks[blocks.len() - 1].height()) {
                    self.failed(ip, range, "not the branch that it named");
                }
                return self.abandon_contest("its branch is not the one that it named");
            }
            let bytes = blocks.iter().map(|block| block.json_len() as u64).sum();
            self.write(Write::Stage(blocks), After::Stage { bytes });
        }
    }

    /// Takes the valid blocks off the first range; what is wrong with the next one has its consequences.
    fn take_valid(&mut self, purpose: Purpose, chain: &dyn ChainView) -> Option<Vec<SealedBlock>> {
        if self.write_pending() {
            return None;
        }
        let base = self.base(purpose, chain)?;
        let now = self.now_unix();
        let trusting = mutant::is(Mutant::BypassSkipsValidation);
        let checkpoints = self.config.chain.checkpoints.clone();
        let download = self.download(purpose);
        trim(&mut download.ranges, base.height);
        let head = download.ranges.front_mut().filter(|head| head.start == base.height.saturating_add(1))?;
        let (mut tip, mut blocks, mut wrong, mut sender) = (base, Vec::new(), None, None);
        let mut senders = BTreeSet::new();
        while let Some((block, from)) = head.got.pop_front() {
            if let Err(error) = check(&tip, &block, now).and_then(|()| fits(&checkpoints, &block))
                && (error.is_link() || !trusting)
            {
                let shown = head.got.iter().rev().find(|(_, other)| *other == from).map_or(&block, |(block, _)| block);
                wrong = Some((error, shown.height(), block, from, sender != Some(from)));
                break;
            }
            tip = block.tip();
            sender = Some(from);
            senders.insert(from);
            blocks.push(block);
        }
        head.start += blocks.len() as u64;
        if !blocks.is_empty() {
            head.asked.clear();
        }
        let rest = HeightRange::new(head.start, head.end);
        if wrong.is_some() {
            head.got.clear();
        } else if rest.is_none() {
            download.ranges.pop_front();
        }
        if let Some((error, shown, block, from, first_of_sender)) = wrong
            && let Some(rest) = rest
        {
            // The first block of an answer that follows another parent than our tip: their chain is another one.
            let other = error.is_link() && first_of_sender && blocks.is_empty();
            let fork = other && purpose == Purpose::Chain;
            if other && purpose == Purpose::Branch && self.goes_another_way(from) {
                // Asked again, of others.
            } else if fork && self.diverged(from, base.height, base.hash, block.previous_hash(), shown, chain) {
                // No failure: the fork search decides.
            } else if fork {
                self.failed(from, rest, "nothing that links");
            } else if !(error.is_link() && first_of_sender && !blocks.is_empty()) {
                self.rejected(from, &block, &error);
                self.failed(from, rest, "invalid block");
                if purpose == Purpose::Branch {
                    self.abandon_contest("invalid block");
                    return None;
                }
            }
        }
        if purpose == Purpose::Branch {
            self.branch_came_from(&senders);
        }
        (!blocks.is_empty()).then_some(blocks)
    }

    fn rejected(&mut self, ip: IpAddr, block: &SealedBlock, error: &BlockError) {
        let (height, reason) = (block.height(), error.to_string());
        mark::reached(Mark::BlockRejected);
        let event = Event::BlockRejected { ip, height, reason };
        // No proof against its sender: it may be our clock that is wrong, and then all would be banned.
        if matches!(error, BlockError::AheadOfClock { .. }) {
            return self.tell_sometimes("ahead_of_clock", Some(ip), event);
        }
        self.tell(event);
        self.strike(ip, "invalid block");
    }

    /// Blocks that nobody asked for: they extend the tip, or start a fork check, or are dropped (D-15).
    pub(super) fn unasked(&mut self, ip: IpAddr, blocks: &[SealedBlock], chain: &dyn ChainView) {
        let Some(conn) = self.peers.by_ip(ip).filter(|conn| !conn.foreign) else { return };
        let (id, reported) = (conn.id, conn.reported.unwrap_or(0));
        let tip = chain.tip();
        let top = blocks.iter().map(SealedBlock::height).max().unwrap_or(0);
        let differs = |block: &&SealedBlock| chain.hash_at(block.height()).is_some_and(|ours| ours != block.hash());
        if let Some(block) = blocks.iter().filter(differs).max_by_key(|block| block.height()) {
            let ours = chain.hash_at(block.height()).unwrap_or_default();
            self.diverged(ip, block.height(), ours, block.hash(), top, chain);
            return;
        }
        for block in blocks {
            self.unasked.hold(block.clone(), ip, tip.height);
        }
        // D-16: reported height with unsolicited blocks, where no whitelisted peer has as much.
        let gap = blocks.iter().all(|block| block.height() > tip.height.saturating_add(1));
        let whitelisted_has = self.peers.masternode_heights().any(|(conn, height)| conn.ip != ip && height >= top);
        if gap && top > tip.height && reported > tip.height && !whitelisted_has {
            self.mark_announced(id, reported.min(top));
        }
    }

    fn mark_announced(&mut self, id: ConnId, height: Height) {
        if let Some(conn) = self.peers.get_mut(id) {
            conn.announced = conn.announced.max(Some(height));
        }
    }

    /// Appends held blocks that extend the tip by now.
    pub(super) fn consume_unasked(&mut self, chain: &dyn ChainView) {
        if self.write_pending() {
            return;
        }
        let (base, now) = (chain.tip(), self.now_unix());
        let (mut tip, mut blocks) = (base, Vec::new());
        while let Some((block, from)) = self.unasked.take(tip.height.saturating_add(1)) {
            match check(&tip, &block, now).and_then(|()| fits(&self.config.chain.checkpoints, &block)) {
                Ok(()) => {
                    tip = block.tip();
                    blocks.push(block);
                }
                Err(error) if error.is_link() => {
                    if blocks.is_empty() {
                        let shown = self.unasked.highest_from(from).unwrap_or(block.height());
                        self.diverged(from, tip.height, tip.hash, block.previous_hash(), shown, chain);
                    }
                    break;
                }
                Err(error) => {
                    self.rejected(from, &block, &error);
                    break;
                }
            }
        }
        if !blocks.is_empty() {
            mark::reached(Mark::UnaskedUsed);
            let count = blocks.len() as u64;
            self.write(Write::Append(blocks), After::Append { count });
        }
    }

    /// Asks who announced a height above ours, whitelisted ones first (D-16).
    pub(super) fn follow_announcements(&mut self, chain: &dyn ChainView) {
        if self.write_pending() || !self.chain_download.ranges.is_empty() {
            return;
        }
        let tip = chain.tip().height;
        let mut announced = false;
        for conn in self.peers.iter_mut() {
            conn.announced = conn.announced.filter(|height| *height > tip);
            announced |= conn.announced.is_some();
        }
        // As nearly always: this runs for each message.
        if !announced {
            return;
        }
        let announcer = self
            .peers
            .established()
            .filter(|conn| {
                conn.announced.is_some() && !diverges(conn, chain) && !self.requests.open.contains_key(&conn.ip)
            })
            .max_by_key(|conn| (conn.whitelisted, conn.announced, std::cmp::Reverse(conn.ip)))
            .map(|conn| (conn.ip, conn.announced.unwrap_or(0)));
        if let Some((ip, height)) = announcer {
            if let Some(conn) = self.peers.by_ip_mut(ip) {
                conn.announced = None;
            }
            self.chain_download.goal = Some(Goal::Announced(ip, height));
            self.fill(Purpose::Chain, false, chain);
        }
    }

    /// Our chain is another one now: what was asked above the ancestor is no use (D-23).
    pub(super) fn forget_downloads(&mut self) {
        self.chain_download.clear();
        self.branch_download.clear();
        self.requests.cancel(Purpose::Chain);
        self.requests.cancel(Purpose::Branch);
        for conn in self.peers.iter_mut() {
            conn.diverges = None;
        }
    }
}

fn overlap(a: HeightRange, b: HeightRange) -> bool {
    a.start() <= b.end() && b.start() <= a.end()
}

/// Drops what is not above `base` any more.
fn trim(ranges: &mut VecDeque<Range>, base: Height) {
    while let Some(head) = ranges.front_mut() {
        while head.start <= base && head.got.pop_front().is_some() {
            head.start += 1;
        }
        head.start = head.start.max(base.saturating_add(1));
        if head.start <= head.end {
            break;
        }
        ranges.pop_front();
    }
}

/// Whether no checkpoint of this height names another block.
fn fits(checkpoints: &[(Height, Hash)], block: &SealedBlock) -> Result<(), BlockError> {
    let other = checkpoints.iter().any(|(height, hash)| *height == block.height() && *hash != block.hash());
    if other { Err(BlockError::Checkpoint) } else { Ok(()) }
}
