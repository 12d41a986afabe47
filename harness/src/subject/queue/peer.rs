//! A scripted peer as a party: its part, its connections, its dials.
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use node::chain::Hash;
use node::wire::{decode, encoded_len};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::dial::millis;
use super::heap::Ms;
use super::outbox::{Outbox, Step};
use super::seen::Seen;
use super::wire::{NEVER, Parcel};
use crate::peer::{Chains, Note, Recorder, Role, Script};
use crate::scenario::resolved::{self, Direction};

/// Between two tries of a dial that is refused at the start.
const DIAL_PAUSE: Ms = 100;

/// A scripted peer.
pub struct Peer {
    /// Its name.
    pub name: String,
    /// Its address.
    pub ip: IpAddr,
    /// Whether it accepts connections.
    pub listens: bool,
    part: resolved::Peer,
    script: Script,
    chains: Chains,
    seed: u64,
    /// Whether what it sees is recorded.
    records: bool,
    /// Zero of the run, as its pieces count time.
    zero: Instant,
    runs: bool,
    sessions: BTreeMap<u64, Session>,
    begun: u64,
    /// When whom to dial again.
    redials: BTreeSet<(Ms, String)>,
    /// When it has something to do by itself.
    pub wake_at: Ms,
}

/// One connection, or one that is being dialled.
struct Session {
    /// With whom.
    node: String,
    dialled: bool,
    open: Option<Open>,
}

struct Open {
    wire: u32,
    side: u8,
    role: Role,
    recorder: Option<Recorder>,
    outbox: Outbox,
    /// When it has something to do by itself next.
    next: Ms,
}

impl Open {
    fn plan(&mut self, zero: Instant) {
        let recorder = self.recorder.as_ref().and_then(Recorder::due);
        let due = [self.role.next(), recorder].into_iter().flatten().map(|at| millis(at - zero));
        self.next = due.fold(self.outbox.next(), Ms::min);
    }
}

/// What a scripted peer wants of the world.
#[derive(Debug)]
pub enum Want {
    /// To send a line of this length.
    Send(u32, u8, Parcel, usize),
    /// To close.
    Close(u32, u8),
    /// To dial this party for a connection.
    Dial(String, u64),
}

impl Peer {
    /// A peer that has not begun.
    pub fn new(name: &str, part: &resolved::Peer, chains: &Chains, seed: u64, records: bool, zero: Instant) -> Self {
        Self {
            name: name.to_owned(),
            ip: IpAddr::V4(part.ip),
            listens: false,
            script: Script::new(part, 1),
            part: part.clone(),
            chains: chains.clone(),
            seed,
            records,
            zero,
            runs: false,
            sessions: BTreeMap::new(),
            begun: 0,
            redials: BTreeSet::new(),
            wake_at: NEVER,
        }
    }

    /// It begins to listen and to dial.
    pub fn start(&mut self, wants: &mut Vec<Want>) {
        (self.runs, self.listens) = (true, self.part.listens);
        self.dial_all(wants);
    }

    fn dial_all(&mut self, wants: &mut Vec<Want>) {
        for node in self.part.dials.clone() {
            self.dial(node, wants);
        }
    }

    fn dial(&mut self, node: String, wants: &mut Vec<Want>) {
        let id = self.begin(node.clone(), true);
        wants.push(Want::Dial(node, id));
    }

    fn begin(&mut self, node: String, dialled: bool) -> u64 {
        self.begun += 1;
        self.sessions.insert(self.begun, Session { node, dialled, open: None });
        self.begun
    }

    /// A connection with `node` was accepted: its number.
    pub fn accepted(&mut self, node: String) -> u64 {
        self.begin(node, false)
    }

    /// A dial did not connect: when to try again, where it has only just started.
    pub fn dial_failed(&mut self, id: u64, refused: bool, now: Ms) -> Option<Ms> {
        let patient_until = millis(self.part.starts_at + self.part.patience);
        if refused && now < patient_until && self.sessions.contains_key(&id) {
            return Some(now + DIAL_PAUSE);
        }
        self.over(id, now);
        None
    }

    /// A connection is open.
    pub fn opened(&mut self, id: u64, wire: u32, side: u8, seen: &Seen, wants: &mut Vec<Want>) {
        let now = self.instant(seen.now());
        let Some(session) = self.sessions.get_mut(&id) else {
            return wants.push(Want::Close(wire, side));
        };
        let rng = ChaCha8Rng::from_seed(Hash::of(format!("{}/{}/{id}", self.seed, self.name).as_bytes()).0);
        let clock = Arc::new(seen.clone());
        let mut role = Role::new(self.script.clone(), self.chains.clone(), session.dialled, clock, rng, now);
        let recorder = self.records.then(|| {
            let (seen, source) = (seen.clone(), self.name.clone());
            Recorder::new(session.node.clone(), Arc::new(move |what| seen.push(&source, what)), 1)
        });
        let mut outbox = Outbox::default();
        role.open().into_iter().for_each(|outgoing| outbox.push(outgoing, seen.now()));
        session.open = Some(Open { wire, side, role, recorder, outbox, next: NEVER });
        self.step(id, seen.now(), wants);
    }

    /// A line has come.
    pub fn heard(&mut self, id: u64, parcel: &Parcel, now: Ms, wants: &mut Vec<Want>) {
        let instant = self.instant(now);
        let Some(open) = self.sessions.get_mut(&id).and_then(|session| session.open.as_mut()) else { return };
        // Nodes send nothing but messages.
        let Parcel::Message(message) = parcel else { return };
        if let Some(recorder) = &mut open.recorder {
            recorder.note(false, Note::from(message), instant);
        }
        let out = open.role.receive(message, instant);
        out.into_iter().for_each(|outgoing| open.outbox.push(outgoing, now));
        self.step(id, now, wants);
    }

    /// A connection is over, by the other side.
    pub fn closed(&mut self, id: u64, now: Ms) {
        self.over(id, now);
    }

    /// It follows a stage direction.
    pub fn direct(&mut self, direction: &Direction, now: Ms, wants: &mut Vec<Want>) {
        self.script.follow(direction);
        let instant = self.instant(now);
        for id in self.sessions.keys().copied().collect::<Vec<_>>() {
            if let Direction::Disconnect = direction {
                self.close(id, now, wants);
            } else if let Some(open) = self.sessions.get_mut(&id).and_then(|session| session.open.as_mut()) {
                let out = open.role.direct(direction, instant);
                out.into_iter().for_each(|outgoing| open.outbox.push(outgoing, now));
                self.step(id, now, wants);
            }
        }
        if let Direction::Connect = direction
            && self.runs
        {
            self.dial_all(wants);
        }
    }

    /// What it does by itself by now.
    pub fn due(&mut self, now: Ms, wants: &mut Vec<Want>) {
        let instant = self.instant(now);
        let due = |open: &&Open| open.next <= now;
        let due = self.sessions.iter().filter(|(_, session)| session.open.as_ref().filter(due).is_some());
        for id in due.map(|(id, _)| *id).collect::<Vec<_>>() {
            if let Some(open) = self.sessions.get_mut(&id).and_then(|session| session.open.as_mut()) {
                if let Some(recorder) = &mut open.recorder
                    && recorder.due().is_some_and(|due| due <= instant)
                {
                    recorder.flush(instant);
                }
                if open.role.next().is_some_and(|next| next <= instant) {
                    let out = open.role.due(instant);
                    out.into_iter().for_each(|outgoing| open.outbox.push(outgoing, now));
                }
                self.step(id, now, wants);
            }
        }
        while let Some((_, node)) = self.redials.first().filter(|(at, _)| *at <= now).cloned() {
            self.redials.pop_first();
            // As long as the node's own connection lives, none is needed.
            match self.part.redials {
                Some(pause) if self.sessions.values().any(|session| session.node == node) => {
                    self.redials.insert((now + millis(pause), node));
                }
                _ => self.dial(node, wants),
            }
        }
    }

    /// When it has something to do by itself next.
    pub fn next(&self) -> Option<Ms> {
        let opens = self.sessions.values().filter_map(|session| session.open.as_ref());
        let redial = self.redials.first().map(|(at, _)| *at);
        opens.map(|open| open.next).chain(redial).min().filter(|at| *at != NEVER)
    }

    /// Sends what is due on one connection.
    fn step(&mut self, id: u64, now: Ms, wants: &mut Vec<Want>) {
        let instant = self.instant(now);
        loop {
            let Some(open) = self.sessions.get_mut(&id).and_then(|session| session.open.as_mut()) else { return };
            match open.outbox.step(now) {
                Step::Send(parcel) => {
                    let len = match &parcel {
                        Parcel::Message(message) => encoded_len(message),
                        Parcel::Line(line) => line.len() + 1,
                    };
                    if let Some(recorder) = &mut open.recorder {
                        let note = match &parcel {
                            Parcel::Message(message) => Some(Note::from(message)),
                            Parcel::Line(line) => Note::line(&decode(line.as_bytes()), line.len()),
                        };
                        note.into_iter().for_each(|note| recorder.note(true, note, instant));
                    }
                    wants.push(Want::Send(open.wire, open.side, parcel, len));
                }
                Step::Close => return self.close(id, now, wants),
                Step::Nothing => return open.plan(self.zero),
            }
        }
    }

    /// It closes a connection.
    fn close(&mut self, id: u64, now: Ms, wants: &mut Vec<Want>) {
        if let Some(open) = self.sessions.get(&id).and_then(|session| session.open.as_ref()) {
            wants.push(Want::Close(open.wire, open.side));
        }
        self.over(id, now);
    }

    fn over(&mut self, id: u64, now: Ms) {
        let instant = self.instant(now);
        let Some(session) = self.sessions.remove(&id) else { return };
        if let Some(recorder) = session.open.and_then(|open| open.recorder) {
            recorder.finish(instant);
        }
        if let Some(pause) = self.part.redials.filter(|_| session.dialled) {
            self.redials.insert((now + millis(pause), session.node));
        }
    }

    fn instant(&self, now: Ms) -> Instant {
        self.zero + Duration::from_millis(now)
    }
}
