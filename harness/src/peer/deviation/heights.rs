//! Heights that aren't the peer's, or aren't told.
use std::time::Duration;

use node::chain::Height;
use node::wire::Message;
use tokio::time::Instant;

use super::{Deviant, Outgoing, Scene};

/// Tells so much more.
pub struct Inflated(pub u64);

impl Deviant for Inflated {
    fn height(&self, told: Height) -> Height {
        told.saturating_add(self.0)
    }
}

/// Tells this one for ever.
pub struct Stale(pub Height);

impl Deviant for Stale {
    fn height(&self, _: Height) -> Height {
        self.0
    }
}

/// Tells these in turn, each by a ping.
pub struct Flapping {
    heights: Vec<Height>,
    turn: usize,
    every: Duration,
    next: Instant,
}

impl Flapping {
    /// `every` is at least 1 ms, the finest that timers know.
    pub fn new(heights: Vec<Height>, every: Duration, now: Instant) -> Self {
        let every = every.max(Duration::from_millis(1));
        Self { heights, turn: 0, every, next: now + every }
    }
}

impl Deviant for Flapping {
    fn height(&self, told: Height) -> Height {
        let turn = self.turn.checked_rem(self.heights.len());
        turn.map_or(told, |turn| self.heights[turn])
    }

    fn next(&self) -> Option<Instant> {
        Some(self.next)
    }

    fn due(&mut self, now: Instant) -> u32 {
        self.turn = self.turn.wrapping_add(1);
        self.next = now + self.every;
        1
    }
}

/// Tells none in pings and pongs.
pub struct NoHeights;

impl Deviant for NoHeights {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        hide(out, |message| matches!(message, Message::Ping { .. } | Message::Pong { .. }));
    }
}

/// Tells it in pings, not in pongs or answers.
pub struct PingsOnly;

impl Deviant for PingsOnly {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        hide(out, |message| matches!(message, Message::Pong { .. }));
        drop_answers(out);
    }
}

/// Tells it in pongs, not in pings or answers.
pub struct PongsOnly;

impl Deviant for PongsOnly {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        hide(out, |message| matches!(message, Message::Ping { .. }));
        drop_answers(out);
    }
}

fn hide(out: &mut [Outgoing], of: impl Fn(&Message) -> bool) {
    for message in out.iter_mut().filter_map(Outgoing::message).filter(|message| of(message)) {
        if let Message::Ping { height, .. } | Message::Pong { height, .. } = message {
            *height = None;
        }
    }
}

fn drop_answers(out: &mut Vec<Outgoing>) {
    out.retain_mut(|one| {
        !matches!(one.message(), Some(Message::BlockHeightResponse(_) | Message::ChainTipResponse { .. }))
    });
}
