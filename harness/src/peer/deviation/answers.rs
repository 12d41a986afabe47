//! Answers to block requests with too little, the wrong thing, or too late.
use std::time::Duration;

use node::chain::Height;
use node::wire::Message;

use super::{Deviant, Outgoing, Payload, Scene, asks_blocks};

/// An empty list, and nothing where one block is asked.
pub struct Empty;

impl Deviant for Empty {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, scene: &mut Scene) {
        Short(0).sends(request, out, scene);
    }
}

/// At most so many blocks.
pub struct Short(pub u64);

impl Deviant for Short {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        if asks_blocks(request) {
            cut(out, self.0);
        }
    }
}

/// Always this range.
pub struct WrongRange {
    pub start: Height,
    pub end: Height,
}

impl Deviant for WrongRange {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, scene: &mut Scene) {
        for blocks in out.iter_mut().filter(|_| asks_blocks(request)).filter_map(Outgoing::blocks) {
            *blocks = scene.served.range(self.start, self.end);
        }
    }
}

/// Each answer takes so long.
pub struct Drip(pub Duration);

impl Deviant for Drip {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for one in out.iter_mut().filter(|_| asks_blocks(request)) {
            one.over = self.0;
        }
    }
}

/// Each answer comes so late.
pub struct Delayed(pub Duration);

impl Deviant for Delayed {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for one in out.iter_mut().filter(|_| asks_blocks(request)) {
            one.after += self.0;
        }
    }
}

/// Closes the connection when it has served so many more blocks.
pub struct ClosesAfterBlocks(pub u64);

impl Deviant for ClosesAfterBlocks {
    fn sends(&mut self, request: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        if !asks_blocks(request) {
            return;
        }
        self.0 -= cut(out, self.0);
        if let Some(last) = out.last().filter(|_| self.0 == 0) {
            let close = Outgoing { after: last.after, ..Payload::Close.into() };
            out.push(close);
        }
    }
}

/// Leaves at most the first `most` blocks in `out`; how many are left. A list stays, if only empty.
fn cut(out: &mut Vec<Outgoing>, most: u64) -> u64 {
    let mut left = most;
    out.retain_mut(|one| {
        if let Some(blocks) = one.blocks() {
            blocks.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= blocks.len() as u64;
        } else if let Some(Message::BlockResponse(_)) = one.message() {
            let kept = left > 0;
            left -= u64::from(kept);
            return kept;
        }
        true
    });
    most - left
}
