//! What a peer is told to be.
use crate::scenario::file::Deviation;
use crate::scenario::resolved::{At, Direction, Peer};

/// A peer's part, changed by stage directions; connections that are opened later begin with the changed one.
#[derive(Debug, Clone)]
pub struct Script {
    /// What it serves.
    pub at: At,
    /// The height it tells instead of that.
    pub tell: Option<u64>,
    /// What it does wrong.
    pub deviations: Vec<Deviation>,
    /// All its times are divided by this (D-29), 1 or more.
    pub time_scale: u32,
}

impl Script {
    /// The part as the scenario's topology has it.
    pub fn new(peer: &Peer, time_scale: u32) -> Self {
        Self { at: peer.chain.clone(), tell: None, deviations: peer.deviations.clone(), time_scale }
    }

    /// Takes over what lasts of a direction.
    pub fn follow(&mut self, direction: &Direction) {
        match direction {
            Direction::Tell(height) => self.tell = *height,
            Direction::Announce(height) => self.tell = Some(*height),
            Direction::Move(at) => (self.at, self.tell) = (at.clone(), None),
            Direction::Deviate(deviations) => self.deviations.clone_from(deviations),
            Direction::Push { .. } | Direction::Send(_) | Direction::Disconnect | Direction::Connect => {}
        }
    }
}
