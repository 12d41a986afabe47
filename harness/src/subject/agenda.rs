//! A scenario's timeline as things to do.
use crate::fault::SimTime;
use crate::scenario::Scenario;
use crate::scenario::resolved::{Act, Direction, Fault};

/// What happens when, beginnings and ends apart.
pub struct Agenda(Vec<(SimTime, u32, Turn)>);

/// A thing to do.
pub enum Turn {
    /// A fault begins; in words.
    Begin(Fault, String),
    /// It ends.
    End(Fault),
    /// These peers are told something.
    Direct(Vec<String>, Direction),
}

impl Agenda {
    /// The scenario's timeline, drawn by `seed`.
    pub fn of(scenario: &Scenario, seed: u64) -> Self {
        let mut turns = Vec::new();
        for step in scenario.timeline(seed) {
            match step.act {
                Act::Fault { fault, lasts } => {
                    turns.push((step.at, step.id, Turn::Begin(fault.clone(), fault.to_string())));
                    turns.push((step.at + lasts, step.id, Turn::End(fault)));
                }
                Act::Direct { peers, direction } => turns.push((step.at, step.id, Turn::Direct(peers, direction))),
            }
        }
        // Ends first: one fault may begin where another ends.
        turns.sort_by_key(|(at, id, turn)| (*at, !matches!(turn, Turn::End(_)), *id));
        turns.reverse();
        Self(turns)
    }

    /// When there is something to do next.
    pub fn next(&self) -> Option<SimTime> {
        self.0.last().map(|(at, ..)| *at)
    }

    /// What is to be done by `now`, in order, each with its step's number.
    pub fn due(&mut self, now: SimTime) -> Vec<(u32, Turn)> {
        let mut due = Vec::new();
        while self.0.last().is_some_and(|(at, ..)| *at <= now) {
            if let Some((_, id, turn)) = self.0.pop() {
                due.push((id, turn));
            }
        }
        due
    }
}
