//! A node: its core, its disk, and the connections it knows of. What the runtime's driver is elsewhere.
use std::net::IpAddr;
use std::time::Duration;

use node::chain::{ChainView, Height, Write};
use node::config::Config;
use node::protocol::{ConnId, Core, Event, Input, Now, Output};
use node::store::MemoryChain;
use node::telemetry::{Telemetry, log_line};

use super::dial::millis;
use super::heap::Ms;
use super::seen::Seen;
use super::wire::NEVER;
use crate::history::What;
use crate::subject::gate::Gate;
use crate::subject::log_capture::attributed;
use crate::subject::sim_clock::SimClock;
use crate::subject::sim_store::broken;

/// How long a closed connection's queue may drain, before the time scale (the runtime's).
const LINGER: Ms = 1_000;

/// A node under test.
pub struct Node {
    /// Its place among the scenario's nodes.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its address.
    pub ip: IpAddr,
    config: Config,
    seed: u64,
    /// Its chain: outlives its process.
    chain: MemoryChain,
    /// Time of a durable write.
    disk: Ms,
    /// Stops it.
    pub gate: Gate,
    /// Its wall clock.
    pub clock: SimClock,
    /// Things that came while it stood still.
    pub deferred: Vec<super::heap::Event>,
    /// What is told of it: all, or lines alone.
    pub telemetry: Option<Telemetry>,
    /// The most bytes that its buffers ever held.
    pub buffered: u64,
    life: Option<Life>,
    /// Whether anything was told of its chain.
    shown: bool,
    /// Writes of all its lives.
    writes: u32,
    /// When its next timer is due.
    pub wake_at: Ms,
}

/// A process.
struct Life {
    core: Core,
    began: Ms,
    /// When a timer was last due.
    ticked: Option<Ms>,
    /// By number: the wire and its end.
    connections: Vec<Option<(u32, u8)>>,
    /// Being written.
    writing: Option<Write>,
}

/// What a node wants of the world.
#[derive(Debug)]
pub enum Wish {
    /// To send.
    Send(u32, u8, node::wire::Message),
    /// To close.
    Close(u32, u8),
    /// To dial; give up after this.
    Dial { peer: IpAddr, port: Option<u16>, timeout: Duration },
    /// To be told when its write of this number is durable.
    Write(u32, Ms),
}

impl Node {
    /// A machine whose process does not run yet.
    #[allow(clippy::too_many_arguments, reason = "one call site")]
    pub fn new(
        number: u32,
        name: &str,
        ip: IpAddr,
        config: Config,
        chain: MemoryChain,
        disk: Duration,
        seed: u64,
        full: bool,
    ) -> Self {
        Self {
            number,
            name: name.to_owned(),
            ip,
            config,
            seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number.into()),
            chain,
            disk: disk.as_millis() as Ms,
            gate: Gate::default(),
            clock: SimClock::default(),
            deferred: Vec::new(),
            telemetry: full.then(Telemetry::new),
            buffered: 0,
            life: None,
            shown: false,
            writes: 0,
            wake_at: NEVER,
        }
    }

    /// Whether its process runs.
    pub fn runs(&self) -> bool {
        self.life.is_some()
    }

    /// How long what it has queued for a connection may still leave after the connection's end.
    pub fn linger(&self) -> Ms {
        LINGER / Ms::from(self.config.time_scale.max(1))
    }

    /// Whether it has this address on its whitelist.
    pub fn whitelists(&self, ip: IpAddr) -> bool {
        self.config.network.whitelisted_peers.iter().any(|peer| peer.ip == ip)
    }

    /// The port of dials that name none.
    pub fn default_port(&self) -> u16 {
        self.config.network.default_port()
    }

    /// Its process starts.
    pub fn start(&mut self, now: Ms, seen: &Seen, wishes: &mut Vec<Wish>) {
        self.show_first(seen);
        let wall = Now { at: Duration::ZERO, unix_ms: self.clock.at(Duration::from_millis(now)) };
        if self.telemetry.is_some() {
            self.telemetry = Some(Telemetry::new());
        }
        // Another life, other nonces.
        let seed = self.seed ^ (now * 1_000_000).rotate_left(17);
        let core = attributed(self.number as usize, || Core::new(&self.config, seed, wall, &self.chain));
        self.life = Some(Life { core, began: now, ticked: None, connections: Vec::new(), writing: None });
        self.act(now, seen, wishes);
    }

    /// Its process ends.
    pub fn end(&mut self) {
        self.life = None;
        self.deferred.clear();
        self.wake_at = NEVER;
    }

    /// A connection's number for it.
    pub fn connection(&mut self, wire: u32, side: u8) -> ConnId {
        let Some(life) = &mut self.life else { return ConnId(0) };
        life.connections.push(Some((wire, side)));
        ConnId(life.connections.len() as u64 - 1)
    }

    /// A connection is no more, for the node.
    pub fn forget(&mut self, conn: ConnId) {
        if let Some(life) = &mut self.life
            && let Some(place) = life.connections.get_mut(conn.0 as usize)
        {
            *place = None;
        }
    }

    /// Something happens.
    pub fn tell(&mut self, input: Input, now: Ms, seen: &Seen, wishes: &mut Vec<Wish>) {
        let Some(life) = &mut self.life else { return };
        let at = Duration::from_millis(now - life.began);
        let unix_ms = self.clock.at(Duration::from_millis(now));
        if matches!(input, Input::Tick) {
            life.ticked = Some(now);
        }
        attributed(self.number as usize, || life.core.handle(Now { at, unix_ms }, input, &self.chain));
        self.act(now, seen, wishes);
    }

    /// When its next timer is due.
    pub fn next(&self) -> Option<Ms> {
        let life = self.life.as_ref()?;
        let due = millis(life.core.next_deadline()?) + life.began;
        // A deadline that stays in the past must not become a busy loop.
        Some(life.ticked.map_or(due, |ticked| due.max(ticked + 1)))
    }

    /// A write is durable, where it is the one of this number and the process that wrote it still runs.
    pub fn written(&mut self, number: u32, now: Ms, seen: &Seen, wishes: &mut Vec<Wish>) {
        if number == self.writes
            && let Some(write) = self.life.as_mut().and_then(|life| life.writing.take())
        {
            let result = self.commit(write, seen);
            self.tell(Input::Written(result), now, seen, wishes);
        }
    }

    /// Tells of its chain for the first time: who is not there yet has none to agree on.
    pub fn show_first(&mut self, seen: &Seen) {
        if !std::mem::replace(&mut self.shown, true) {
            self.show_chain(0, seen);
        }
    }

    /// Tells what its chain became above `ancestor`.
    fn show_chain(&self, ancestor: Height, seen: &Seen) {
        let tip = self.chain.tip();
        let broken = broken(&self.chain, ancestor);
        seen.push(&self.name, What::Chain { ancestor, height: tip.height, tip: tip.hash.to_string(), broken });
    }

    fn commit(&mut self, write: Write, seen: &Seen) -> Result<(), String> {
        let ancestor = match &write {
            Write::Append(_) => Some(self.chain.tip().height),
            Write::Switch { ancestor } => Some(*ancestor),
            Write::Stage(_) | Write::Discard => None,
        };
        self.chain.apply(write).map_err(|error| error.to_string())?;
        if let Some(ancestor) = ancestor {
            self.show_chain(ancestor, seen);
        }
        Ok(())
    }

    /// Does what the core wants.
    fn act(&mut self, now: Ms, seen: &Seen, wishes: &mut Vec<Wish>) {
        loop {
            let Some(life) = &mut self.life else { return };
            let Some(output) = attributed(self.number as usize, || life.core.poll()) else {
                // A write that takes no time is done when all else is.
                match life.writing.take() {
                    Some(write) if self.disk == 0 => {
                        let result = self.commit(write, seen);
                        return self.tell(Input::Written(result), now, seen, wishes);
                    }
                    writing => life.writing = writing,
                }
                return;
            };
            match output {
                Output::Event(event) => self.record(&event),
                Output::Send { conn, message } => {
                    if let Some(Some((wire, side))) = life.connections.get(conn.0 as usize) {
                        wishes.push(Wish::Send(*wire, *side, message));
                    }
                }
                Output::Close { conn } => {
                    if let Some((wire, side)) = life.connections.get_mut(conn.0 as usize).and_then(Option::take) {
                        wishes.push(Wish::Close(wire, side));
                    }
                }
                Output::Dial { peer, port, timeout } => wishes.push(Wish::Dial { peer, port, timeout }),
                Output::Write(write) => {
                    life.writing = Some(write);
                    self.writes += 1;
                    if self.disk > 0 {
                        wishes.push(Wish::Write(self.writes, now + self.disk));
                    }
                }
            }
        }
    }

    fn record(&mut self, event: &Event) {
        if let Event::Buffered { bytes } = event {
            self.buffered = self.buffered.max(*bytes);
        }
        attributed(self.number as usize, || match &self.telemetry {
            Some(telemetry) => telemetry.record(event),
            None => log_line(event),
        });
    }
}
