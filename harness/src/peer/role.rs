//! A scripted peer's side of one connection: the honest peer, changed by its deviations. No I/O.
use std::sync::Arc;
use std::time::Duration;

use node::chain::Height;
use node::runtime::network::Clock;
use node::wire::Message;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::chains::Chains;
use super::deviation::{self, Deviant, Opening};
use super::honest;
use super::outgoing::{Outgoing, Payload};
use super::scene::Scene;
use super::script::Script;
use super::served::Served;

/// Time between two pings (phases 1 and 2, Liveness of a connection).
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// What a peer does on one connection, as answers to what happens there.
pub struct Role {
    pub(super) script: Script,
    chains: Chains,
    pub(super) scene: Scene,
    pub(super) deviants: Vec<Box<dyn Deviant>>,
    pub(super) stage: Stage,
    /// When its next own pings are due.
    ping_at: Option<Instant>,
    /// Directions that wait for the end of the handshake.
    pub(super) later: Vec<Outgoing>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stage {
    /// The handshake isn't finished.
    Greeting,
    /// It is.
    Open,
    /// There was something else instead; nothing follows.
    Astray,
}

impl Role {
    /// For a connection that begins `now`.
    pub fn new(
        script: Script,
        chains: Chains,
        dialled: bool,
        clock: Arc<dyn Clock>,
        rng: ChaCha8Rng,
        now: Instant,
    ) -> Self {
        let served = Served::new(&chains, &script.at);
        let scene = Scene { dialled, began: now, now, served, told: 0, clock, rng };
        let mut role = Self {
            script,
            chains,
            scene,
            deviants: Vec::new(),
            stage: Stage::Greeting,
            ping_at: None,
            later: Vec::new(),
        };
        role.cast();
        role
    }

    /// What it says first, as soon as the connection is open.
    pub fn open(&mut self) -> Vec<Outgoing> {
        let mut openings = self.deviants.iter_mut().map(|deviant| deviant.opens());
        if let Some(Opening::Instead(bad)) = openings.find(|opening| *opening != Opening::Honest) {
            self.stage = Stage::Astray;
            return bad;
        }
        if !self.scene.dialled {
            return Vec::new();
        }
        let mut out = self.send(None, vec![honest::handshake().into()]);
        out.extend(self.pings(true));
        out
    }

    /// What it does about `heard`.
    pub fn receive(&mut self, heard: &Message, now: Instant) -> Vec<Outgoing> {
        self.scene.now = now;
        match self.stage {
            Stage::Astray => Vec::new(),
            Stage::Open => self.answer(heard),
            Stage::Greeting if self.scene.dialled => {
                let mut out = self.opened();
                out.extend(self.answer(heard));
                out
            }
            Stage::Greeting if honest::accepts(heard) => {
                let mut out = self.send(None, vec![honest::ack().into()]);
                out.extend(self.pings(true));
                out.extend(self.opened());
                out
            }
            Stage::Greeting => vec![Payload::Close.into()],
        }
    }

    /// When [`Role::due`] is to be called.
    pub fn next(&self) -> Option<Instant> {
        let open = self.stage == Stage::Open;
        let deviants = self.deviants.iter().filter(|_| open);
        deviants.filter_map(|deviant| deviant.next()).chain(self.ping_at).min()
    }

    /// What it does by itself by now.
    pub fn due(&mut self, now: Instant) -> Vec<Outgoing> {
        self.scene.now = now;
        let mut out = Vec::new();
        if self.stage == Stage::Open {
            for i in 0..self.deviants.len() {
                if self.deviants[i].next().is_some_and(|next| next <= now) {
                    let pings = self.deviants[i].due(now);
                    self.retell();
                    out.extend(self.ping(pings));
                }
            }
        }
        if self.ping_at.is_some_and(|ping_at| ping_at <= now) {
            out.extend(self.pings(false));
        }
        out
    }

    /// Whether it reads what comes.
    pub fn reads(&self) -> bool {
        self.stage != Stage::Open || self.deviants.iter().all(|deviant| deviant.reads())
    }

    /// The handshake is finished.
    fn opened(&mut self) -> Vec<Outgoing> {
        self.stage = Stage::Open;
        let mut out: Vec<_> = self.deviants.iter_mut().flat_map(|deviant| deviant.opened(&mut self.scene)).collect();
        out.append(&mut self.later);
        out
    }

    fn answer(&mut self, heard: &Message) -> Vec<Outgoing> {
        // Each is asked, since some count.
        let mut hears = true;
        for deviant in &mut self.deviants {
            hears &= deviant.hears(heard, &self.scene);
        }
        let answer = honest::answer(&self.scene, heard).filter(|_| hears);
        answer.map_or_else(Vec::new, |answer| self.send(Some(heard), vec![answer.into()]))
    }

    /// Its own pings of one round.
    fn pings(&mut self, first: bool) -> Vec<Outgoing> {
        self.ping_at = Some(self.scene.now + PING_INTERVAL / self.script.time_scale);
        let count = self.deviants.iter().fold(1, |count, deviant| deviant.pings(first, count));
        self.ping(count)
    }

    pub(super) fn ping(&mut self, count: u32) -> Vec<Outgoing> {
        let pings = (0..count).map(|_| self.scene.ping().into()).collect();
        self.send(None, pings)
    }

    pub(super) fn send(&mut self, request: Option<&Message>, mut out: Vec<Outgoing>) -> Vec<Outgoing> {
        for deviant in &mut self.deviants {
            deviant.sends(request, &mut out, &mut self.scene);
        }
        out
    }

    /// Takes on the script's deviations.
    pub(super) fn cast(&mut self) {
        let (now, time_scale) = (self.scene.now, self.script.time_scale);
        let deviations = self.script.deviations.iter();
        self.deviants = deviations.map(|deviation| deviation::of(deviation, now, time_scale)).collect();
        self.serve();
    }

    /// Takes on the script's chain.
    pub(super) fn serve(&mut self) {
        let honest = Served::new(&self.chains, &self.script.at);
        self.scene.served = self.deviants.iter().fold(honest, |served, deviant| deviant.serves(served));
        self.retell();
    }

    fn retell(&mut self) {
        let told: Height = self.script.tell.unwrap_or(self.scene.served.height());
        self.scene.told = self.deviants.iter().fold(told, |told, deviant| deviant.height(told));
    }
}
