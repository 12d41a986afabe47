//! The core: no I/O, no clock, no async, no randomness of its own.
//!
//! [`Core::handle`] takes one [`Input`] at a time, [`Core::poll`] gives the [`Output`]s it led to, in order, and
//! [`Core::next_deadline`] says when to come back with [`Input::Tick`]. Reads go through a [`ChainView`]; writes are
//! outputs, and their results inputs, so that nothing is announced before it is durable.
mod bans;
mod bench;
mod consensus_check;
mod coordinator;
mod download;
mod event;
mod fork;
mod input;
mod liveness;
pub mod mark;
pub mod mutant;
mod output;
mod peer_table;
mod producer;
mod provider;
mod reconnect;
mod rng;
mod serve;
mod session;
mod slots;
mod status;
mod sync;
pub mod tap;
mod timing;
mod unasked;

pub use event::Event;
pub use input::{ConnId, Direction, Input, Now};
pub use output::Output;
pub use status::{
    BackOffStatus, BanStatus, ForkStage, ForkStatus, PeerStatus, RangeStatus, ReorgStatus, Role, Standing, Status,
};

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use crate::chain::{ChainView, Hash, Height, SealedBlock, Write};
use crate::config::Config;
use crate::wire::Message;

use bans::Bans;
use bench::Benches;
use download::{Download, Requests};
use fork::Forks;
use mark::Mark;
use peer_table::PeerTable;
use reconnect::Dialler;
use rng::Rng;
use sync::LastTold;
use timing::Timing;
use unasked::Unasked;

/// A node's whole behaviour as a value.
#[derive(Debug)]
pub struct Core {
    config: Config,
    timing: Timing,
    rng: Rng,
    now: Now,
    out: VecDeque<Output>,
    whitelist: BTreeSet<IpAddr>,
    peers: PeerTable,
    bans: Bans,
    benches: Benches,
    dialler: Dialler,
    /// `None` where the coordinator is switched off.
    tick_at: Option<Duration>,
    standing: LastTold,
    chain_download: Download,
    branch_download: Download,
    requests: Requests,
    unasked: Unasked,
    forks: Forks,
    /// The outstanding write first.
    writes: VecDeque<(Write, After)>,
    /// Whether the first of `writes` was handed out.
    writing: bool,
    /// The tip that peers were told.
    announced: Hash,
    produce_at: Option<Duration>,
    /// When each repeated line was last written, by name and peer (D-10).
    told: BTreeMap<(&'static str, Option<IpAddr>), Duration>,
    /// The last value told of [`Core::buffered_bytes`].
    buffered: u64,
    /// As of the last input that could move anything: never later than what is due next.
    deadline: Option<Duration>,
    /// Whether nothing was left to move on then.
    settled: bool,
    /// For the status alone.
    last_reorg: Option<ReorgStatus>,
}

/// What a write was for.
#[derive(Debug)]
enum After {
    Append { count: u64 },
    Produced(SealedBlock),
    Stage { bytes: u64 },
    Switch { old_height: Height, old_tip: Hash, ancestor: Height },
    Discard,
}

impl Core {
    /// A core that starts now on `chain`. `seed` feeds the nonces.
    pub fn new(config: &Config, seed: u64, now: Now, chain: &dyn ChainView) -> Self {
        tap::crossed(now.at, || tap::Crossing::Began { config, genesis: chain.hash_at(0) });
        let timing = Timing::new(config);
        let tip = chain.tip();
        let mut dialler = Dialler::default();
        for (addresses, whitelisted) in [(&config.network.whitelisted_peers, true), (&config.network.peers, false)] {
            for address in addresses {
                dialler.add(address.ip, address.port, whitelisted, now.at);
            }
        }
        let mut core = Core {
            rng: Rng::new(seed),
            now,
            out: VecDeque::new(),
            whitelist: config.network.whitelisted_peers.iter().map(|address| address.ip).collect(),
            peers: PeerTable::default(),
            bans: Bans::new(config.network.blacklisted_peers.iter().copied()),
            benches: Benches::default(),
            dialler,
            tick_at: config.sync.enable_coordinator.then_some(now.at + timing.coordinator),
            standing: LastTold::default(),
            chain_download: Download::default(),
            branch_download: Download::default(),
            requests: Requests::default(),
            unasked: Unasked::default(),
            forks: Forks::default(),
            writes: VecDeque::new(),
            writing: false,
            announced: tip.hash,
            produce_at: None,
            told: BTreeMap::new(),
            buffered: 0,
            deadline: None,
            settled: false,
            last_reorg: None,
            config: config.clone(),
            timing,
        };
        core.tell(Event::Started { height: tip.height, tip: tip.hash, time_scale: config.time_scale });
        if chain.staged_tip().is_some() {
            // What a former life was fetching.
            mark::reached(Mark::StagedDiscarded);
            core.write(Write::Discard, After::Discard);
        }
        core.schedule_production();
        core.deadline = core.earliest();
        core
    }

    /// Takes in one thing that happened, and everything that is due by now.
    pub fn handle(&mut self, now: Now, input: Input, chain: &dyn ChainView) {
        tap::crossed(now.at, || tap::Crossing::In { input: &input, tip: chain.tip().height });
        self.now = now;
        let quiet = self.quiet(&input, chain);
        let from = if let Input::Received { conn, .. } = input { Some(conn) } else { None };
        match input {
            Input::Tick => {}
            Input::Connected { conn, peer, local, direction } => self.connected(conn, peer, local, direction, chain),
            Input::DialFailed { peer, reason } => self.dial_failed(peer, reason),
            Input::Received { conn, message } => self.received(conn, message, chain),
            Input::ReceivedUnknown { conn, name } => self.received_unknown(conn, &name),
            Input::Malformed { conn, reason } => self.malformed(conn, reason),
            Input::Closed { conn, reason, by_us } => self.connection_ended(conn, &reason, by_us),
            Input::Written(result) => self.written(result, chain),
        }
        if quiet.is_some_and(|conn| self.peers.get(conn).is_some()) {
            debug_assert!(self.deadline <= self.earliest(), "what moves nothing has no time of its own");
            return;
        }
        // What a message leads to is never due at once, but for a contest whose last voter it was.
        let message_from = from.filter(|_| self.deadline.is_some_and(|at| now.at < at));
        match message_from {
            Some(_) => self.settle_votes(chain),
            None => self.timers(chain),
        }
        let before = self.out.len();
        self.progress(chain);
        self.settled = self.out.len() == before && self.writes.is_empty();
        self.deadline = match message_from {
            // Of connections, only the message's own can have got an earlier one.
            Some(conn) => {
                let session = self.peers.get(conn).map(|conn| self.session_deadline(conn));
                self.deadline.into_iter().chain(session).chain(self.beside_sessions()).min()
            }
            None => self.earliest(),
        };
        debug_assert!(self.deadline <= self.earliest(), "a message brings nothing forward but what it is about");
    }

    /// The connection of an input that neither starts anything nor moves on what is under way, as nearly all are where nothing happens: nothing is
    /// due, nothing is being fetched, and it asks for something or tells what we knew.
    fn quiet(&self, input: &Input, chain: &dyn ChainView) -> Option<ConnId> {
        let Input::Received { conn, message } = input else { return None };
        let idle = self.settled
            && self.deadline.is_some_and(|at| self.now.at < at)
            && self.requests.open.is_empty()
            && self.forks.contest.is_none();
        (idle && self.tells_nothing_new(message, chain)).then_some(*conn)
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        let next = self.out.pop_front()?;
        tap::crossed(self.now.at, || tap::Crossing::Out(&next));
        Some(next)
    }

    /// When [`Input::Tick`] is due, on the scale of [`Now::at`]; some are in vain.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.deadline
    }

    fn earliest(&self) -> Option<Duration> {
        self.peers.iter().map(|conn| self.session_deadline(conn)).chain(self.beside_sessions()).min()
    }

    /// What is due next of all that is not a connection's.
    fn beside_sessions(&self) -> impl Iterator<Item = Duration> {
        let all = [self.dialler.next(), self.tick_at, self.produce_at, self.sync_deadline(), self.fork_deadline()];
        all.into_iter().flatten()
    }

    /// Bytes of JSON of blocks held in buffers: downloads and unasked blocks.
    pub fn buffered_bytes(&self) -> u64 {
        self.chain_download.bytes() + self.branch_download.bytes() + self.unasked.bytes()
    }

    fn timers(&mut self, chain: &dyn ChainView) {
        self.session_timers(chain);
        self.dial_due();
        self.sync_timers(chain);
        self.fork_timers(chain);
        if self.tick_at.is_some_and(|at| at <= self.now.at) {
            self.tick(chain);
        }
        if self.produce_at.is_some_and(|at| at <= self.now.at) {
            self.produce(chain);
        }
    }

    /// Moves everything on that can move.
    fn progress(&mut self, chain: &dyn ChainView) {
        self.consume_branch(chain);
        self.consume_chain(chain);
        self.consume_unasked(chain);
        self.follow_announcements(chain);
        self.fill(download::Purpose::Chain, false, chain);
        self.fill(download::Purpose::Branch, false, chain);
        self.settle_contest(chain);
        self.next_contest(chain);
        self.announce_tip(chain);
        if !self.writing
            && let Some((write, _)) = self.writes.front()
        {
            self.writing = true;
            self.out.push_back(Output::Write(write.clone()));
        }
        let buffered = self.buffered_bytes();
        if buffered != self.buffered {
            self.buffered = buffered;
            self.tell(Event::Buffered { bytes: buffered });
        }
    }

    /// Whether the chain that we read is about to change.
    fn write_pending(&self) -> bool {
        !self.writes.is_empty()
    }

    fn write(&mut self, write: Write, after: After) {
        self.writes.push_back((write, after));
    }

    fn written(&mut self, result: Result<(), String>, chain: &dyn ChainView) {
        self.writing = false;
        let Some((_, after)) = self.writes.pop_front() else { return };
        if let Err(reason) = result {
            self.tell(Event::WriteFailed { reason });
            self.chain_download.clear();
            self.requests.cancel(download::Purpose::Chain);
            self.abandon_contest("the branch could not be stored");
            return;
        }
        let tip = chain.tip();
        match after {
            After::Append { count } => {
                self.tell(Event::Appended { height: tip.height, tip: tip.hash, count });
                self.look_again(chain);
            }
            After::Produced(block) => {
                self.tell(Event::Appended { height: tip.height, tip: tip.hash, count: 1 });
                self.tell(Event::Produced { height: block.height(), hash: block.hash() });
                self.announced = block.hash();
                self.send_all(|_| true, &Message::BlockAnnouncement(block));
            }
            After::Stage { bytes } => self.staged(bytes),
            After::Switch { old_height, old_tip, ancestor } => {
                let (new_height, new_tip) = (tip.height, tip.hash);
                mark::reached(Mark::Reorg);
                if old_height.saturating_sub(ancestor) > 2_000 {
                    mark::reached(Mark::DeepReorg);
                }
                self.last_reorg = Some(ReorgStatus { at: self.now.unix_ms, old_height, new_height, ancestor });
                self.tell(Event::Reorg { old_height, old_tip, new_height, new_tip, ancestor });
                self.switched();
            }
            After::Discard => {}
        }
    }

    /// Tells peers that don't know of our tip, once it is settled.
    fn announce_tip(&mut self, chain: &dyn ChainView) {
        let tip = chain.tip();
        if tip.hash == self.announced || self.write_pending() || !self.chain_download.ranges.is_empty() {
            return;
        }
        self.announced = tip.hash;
        self.send_all(
            |conn| conn.reported.is_none_or(|height| height < tip.height),
            &Message::BlockInventory(tip.height),
        );
    }

    /// Sends to established peers, whitelisted ones first (D-27).
    fn send_all(&mut self, to: impl Fn(&peer_table::Conn) -> bool, message: &Message) {
        for whitelisted in [true, false] {
            for conn in self.peers.established().filter(|conn| conn.whitelisted == whitelisted && to(conn)) {
                self.out.push_back(Output::Send { conn: conn.id, message: message.clone() });
            }
        }
    }

    fn send(&mut self, conn: ConnId, message: Message) {
        self.out.push_back(Output::Send { conn, message });
    }

    fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// Tells an event unless one of this name and peer was told in the last 5 min (D-10).
    fn tell_sometimes(&mut self, name: &'static str, ip: Option<IpAddr>, event: Event) {
        let (now, repeat) = (self.now.at, self.timing.repeat);
        if self.told.get(&(name, ip)).is_some_and(|at| now < *at + repeat) {
            return;
        }
        self.told.retain(|_, at| now < *at + repeat);
        self.told.insert((name, ip), now);
        self.tell(event);
    }

    fn now_unix(&self) -> i64 {
        self.now.unix_ms.div_euclid(1000)
    }
}
