//! What a scripted peer is about to send on one wire: each line at its time, whole.
use std::collections::{BTreeMap, VecDeque};

use super::dial::millis;
use super::heap::Ms;
use super::wire::{NEVER, Parcel};
use crate::peer::{Outgoing, Payload};

/// Things that wait at most, as for a peer on a stream of bytes; more are dropped.
const MOST: usize = 65_536;

/// Everything not yet sent.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Not yet due; the number keeps the order of what is due at once.
    waiting: BTreeMap<(Ms, u64), Outgoing>,
    number: u64,
    queue: VecDeque<Outgoing>,
    /// A line whose bytes take their time: it is whole then.
    current: Option<(Ms, Parcel)>,
}

/// What is next.
#[derive(Debug)]
pub enum Step {
    /// This leaves.
    Send(Parcel),
    /// The connection is to be closed.
    Close,
    /// Nothing by now.
    Nothing,
}

impl Outbox {
    /// Queues for its time.
    pub fn push(&mut self, outgoing: Outgoing, now: Ms) {
        if self.queue.len() + self.waiting.len() >= MOST {
            return;
        }
        if outgoing.after.is_zero() {
            self.queue.push_back(outgoing);
        } else {
            self.number += 1;
            self.waiting.insert((now + millis(outgoing.after), self.number), outgoing);
        }
    }

    /// The next thing to do by now.
    pub fn step(&mut self, now: Ms) -> Step {
        while let Some(entry) = self.waiting.first_entry().filter(|entry| entry.key().0 <= now) {
            self.queue.push_back(entry.remove());
        }
        loop {
            if let Some((_, parcel)) = self.current.take_if(|(whole, _)| *whole <= now) {
                return Step::Send(parcel);
            }
            if self.current.is_some() {
                return Step::Nothing;
            }
            let Some(Outgoing { payload, over, .. }) = self.queue.pop_front() else { return Step::Nothing };
            let parcel = match payload {
                Payload::Close => return Step::Close,
                Payload::Message(message) => Parcel::Message(message),
                Payload::Line(line) => Parcel::Line(line),
                // Bytes without a line: a scenario with such is not played here.
                Payload::Filler(_) | Payload::Noise { .. } => continue,
            };
            self.current = Some((now + millis(over), parcel));
        }
    }

    /// When [`Outbox::step`] has something to do next.
    pub fn next(&self) -> Ms {
        let waiting = self.waiting.first_key_value().map_or(NEVER, |((at, _), _)| *at);
        let current = self.current.as_ref().map_or(NEVER, |(at, _)| *at);
        waiting.min(current)
    }
}
