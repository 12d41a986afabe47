//! A case on the stage: its scenario with a set-up before it, for a node of which only the wire is known.
use std::net::Ipv4Addr;
use std::time::Duration;

use super::file::{Deviation, Kind, Way};
use super::resolved::{Act, At, Direction, Peer, Scenario, Step};

/// The node of a case.
pub const SUBJECT: &str = "a";

/// The regular peer that asks for the tip.
pub const OBSERVER: &str = "observer";

/// Its address.
const OBSERVER_IP: Ipv4Addr = Ipv4Addr::new(10, 255, 0, 1);

/// Between two of its questions, at least.
const ASKS: Duration = Duration::from_secs(1);

/// Questions of one run, at most.
const QUESTIONS: u32 = 4_000;

/// Before the end of the set-up everybody has to be connected.
const CONNECTED: Duration = Duration::from_secs(5);

/// The node is told by announcements how high its peers are, so that it need not wait for its own interval.
const ANNOUNCED: [Duration; 2] = [Duration::from_secs(3), Duration::from_secs(8)];

impl Scenario {
    /// The ways in which its peers are connected, a run each; `None`: as it is written.
    pub fn ways(&self) -> Vec<Option<Way>> {
        match self.case.as_ref().and_then(|case| case.way) {
            Some(way) => vec![Some(way)],
            None if self.free().next().is_some() => vec![Some(Way::Inbound), Some(Way::Outbound)],
            None => vec![None],
        }
    }

    /// The height at which the case begins, and the highest that it serves.
    pub fn heights(&self) -> (u64, u64) {
        let begins = self.nodes.get(SUBJECT).map_or(0, |node| node.chain.height);
        let serves = self.peers.values().map(|peer| peer.chain.height).max();
        (begins, serves.unwrap_or_default().max(begins))
    }

    /// Peers that neither dial, nor are dialled as regular ones, nor refuse to listen.
    fn free(&self) -> impl Iterator<Item = &String> {
        let dialled = |peer: &Peer| self.nodes.values().any(|node| node.dials.contains(&peer.ip));
        let free = move |peer: &Peer| peer.dials.is_empty() && peer.listens && !dialled(peer);
        self.peers.iter().filter(move |(_, peer)| free(peer)).map(|(name, _)| name)
    }

    /// Peers that the set-up connects with the node.
    pub fn on_stage(&self) -> impl Iterator<Item = &String> {
        self.peers.iter().filter(|(_, peer)| peer.starts_at.is_zero()).map(|(name, _)| name)
    }

    /// With a set-up of this length before it, and its peers connected `way`.
    pub fn staged(&self, way: Option<Way>, setup: Duration) -> Self {
        let mut staged = self.clone();
        let free: Vec<String> = self.free().cloned().collect();
        let Some(start) = self.nodes.get(SUBJECT).map(|node| node.chain.clone()) else { return staged };
        let lasts = setup + self.runs_for;
        staged.runs_for = lasts;
        for node in staged.nodes.values_mut() {
            node.chain.height = 0;
            if way == Some(Way::Outbound) {
                let regular = free.iter().map(|name| self.peers[name].ip).filter(|ip| !node.whitelists.contains(ip));
                node.dials.extend(regular);
            }
        }
        for (name, peer) in &mut staged.peers {
            if way == Some(Way::Inbound) && free.contains(name) {
                peer.dials = vec![SUBJECT.to_owned()];
                peer.listens = false;
            }
            peer.patience = setup.saturating_sub(CONNECTED);
            if peer.starts_at.is_zero() {
                peer.chain.clone_from(&start);
                peer.deviations.clear();
            } else {
                peer.starts_at += setup;
            }
        }
        for step in &mut staged.timeline {
            step.at += setup;
        }
        let before = self.direct(&start, setup, lasts);
        staged.timeline.splice(0..0, before);
        // Numbers are those of the whole timeline.
        staged.timeline.sort_by_key(|step| step.at);
        for (id, step) in staged.timeline.iter_mut().enumerate() {
            step.id = id as u32;
        }
        if self.case.as_ref().is_some_and(|case| case.observer) {
            staged.peers.insert(OBSERVER.to_owned(), observer(start, setup));
        }
        staged
    }

    /// What the peers are told: their height during the set-up, their own part at its end; and the observer's questions.
    fn direct(&self, start: &At, setup: Duration, lasts: Duration) -> Vec<Step<super::timeline::Undrawn>> {
        let step =
            |at, peers: &[String], direction| Step { id: 0, at, act: Act::Direct { peers: peers.to_vec(), direction } };
        let on_stage: Vec<String> = self.on_stage().cloned().collect();
        let mut steps = Vec::new();
        if start.height > 0 {
            let announced = ANNOUNCED.into_iter().filter(|at| *at < setup);
            steps.extend(announced.map(|at| step(at, &on_stage, Direction::Announce(start.height))));
        }
        for name in on_stage {
            let (peer, name) = (&self.peers[&name], [name]);
            if !peer.deviations.is_empty() {
                steps.push(step(setup, &name, Direction::Deviate(peer.deviations.clone())));
            }
            if !peer.deviations.is_empty() || peer.chain != *start {
                steps.push(step(setup, &name, Direction::Move(peer.chain.clone())));
            }
        }
        if self.case.as_ref().is_some_and(|case| case.observer) {
            let every = ASKS.max(lasts / QUESTIONS);
            let times = (1..).map(|n| every * n).take_while(|at| *at < lasts);
            let ask = || Direction::Send("\"GetChainTip\"".to_owned());
            steps.extend(times.map(|at| step(at, &[OBSERVER.to_owned()], ask())));
        }
        steps
    }
}

/// A regular peer that tells no height, so that it has no part in any count, and is asked for nothing.
fn observer(chain: At, patience: Duration) -> Peer {
    Peer {
        ip: OBSERVER_IP,
        chain,
        dials: vec![SUBJECT.to_owned()],
        listens: false,
        starts_at: Duration::ZERO,
        patience,
        redials: Some(ASKS),
        deviations: vec![Deviation::NoHeights, Deviation::Mute(vec![Kind::Tips])],
    }
}
