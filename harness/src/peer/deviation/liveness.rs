//! Pings and pongs that don't come, or come wrong or too often; and silence in general.
use std::time::Duration;

use node::wire::Message;
use tokio::time::Instant;

use super::{Deviant, Outgoing, Scene, kind};
use crate::scenario::file::Kind;

/// Answers none of these. With [`Kind::Everything`] it doesn't ping by itself either.
pub struct Mute(pub Vec<Kind>);

impl Deviant for Mute {
    fn hears(&mut self, heard: &Message, _: &Scene) -> bool {
        let muted = |kind| self.0.contains(&kind);
        !(muted(Kind::Everything) || kind(heard).is_some_and(muted))
    }

    fn pings(&self, _: bool, count: u32) -> u32 {
        if self.0.contains(&Kind::Everything) { 0 } else { count }
    }
}

/// Answers pings once the connection is so old.
pub struct AnswersFrom(pub Duration);

impl Deviant for AnswersFrom {
    fn hears(&mut self, heard: &Message, scene: &Scene) -> bool {
        kind(heard) != Some(Kind::Pings) || scene.age() >= self.0
    }
}

/// Answers the last of each so many pings.
pub struct MissesPongs {
    every: u32,
    missed: u32,
}

impl MissesPongs {
    /// 0 and 1 miss none.
    pub fn new(every: u32) -> Self {
        Self { every, missed: 0 }
    }
}

impl Deviant for MissesPongs {
    fn hears(&mut self, heard: &Message, _: &Scene) -> bool {
        if kind(heard) != Some(Kind::Pings) {
            return true;
        }
        self.missed += 1;
        let answers = self.missed >= self.every;
        if answers {
            self.missed = 0;
        }
        answers
    }
}

/// Pongs carry nonce xor 1.
pub struct WrongNonce;

impl Deviant for WrongNonce {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for message in out.iter_mut().filter_map(Outgoing::message) {
            if let Message::Pong { nonce, .. } = message {
                *nonce ^= 1;
            }
        }
    }
}

/// Repeats its first pong.
pub struct ReplayedPong(pub Option<Message>);

impl Deviant for ReplayedPong {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for message in out.iter_mut().filter_map(Outgoing::message) {
            if let Message::Pong { .. } = message {
                *message = self.0.get_or_insert_with(|| message.clone()).clone();
            }
        }
    }
}

/// Pings so many times a second, in bursts where that is more than ten.
pub struct PingFlood {
    per_second: u32,
    /// Until when all pings are sent.
    sent: Instant,
}

impl PingFlood {
    /// Begins at `now`.
    pub fn new(per_second: u32, now: Instant) -> Self {
        Self { per_second, sent: now }
    }

    /// Time between bursts: one ping's, or 100 ms.
    fn pause(&self) -> Option<Duration> {
        let one = Duration::from_secs(1).checked_div(self.per_second)?;
        Some(one.max(Duration::from_millis(100)))
    }
}

impl Deviant for PingFlood {
    fn next(&self) -> Option<Instant> {
        Some(self.sent + self.pause()?)
    }

    fn due(&mut self, now: Instant) -> u32 {
        // What a late handshake or a slow machine held up isn't made up for.
        let pings = self.pause().map_or(0.0, |pause| (pause * self.per_second).as_secs_f64().round());
        self.sent = now;
        pings as u32
    }
}
