//! What is to happen, and when: in order of time, and of having been planned.
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Milliseconds since the start of the run.
pub type Ms = u64;

/// One thing that is to happen. Numbers are those of the world's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A step of the timeline begins or ends.
    Turn,
    /// A party begins to run.
    Start(u32),
    /// A party's own time has come: a timer of a node, something that a scripted peer does by itself.
    Wake(u32),
    /// Something may have arrived at an end of a wire.
    Look(u32, u8),
    /// An end of a wire that was closed waits no longer for what is queued there.
    Linger(u32, u8),
    /// Who was dialled on a wire learns of it.
    Accept(u32),
    /// A dial's SYN arrives.
    Syn(u32),
    /// The answer to it arrives: yes or no.
    SynAck(u32, bool),
    /// There was none: the SYN is sent again.
    Retry(u32),
    /// Who dialled has waited long enough.
    DialTimeout(u32),
    /// A node's write is durable; its number among all of the node's.
    Written(u32, u32),
    /// Metrics are sampled.
    Sample,
}

/// All that is planned.
#[derive(Debug, Default)]
pub struct Heap {
    planned: BinaryHeap<Reverse<(Ms, u64, Event)>>,
    number: u64,
}

impl Heap {
    /// Plans `event`.
    pub fn push(&mut self, at: Ms, event: Event) {
        self.number += 1;
        self.planned.push(Reverse((at, self.number, event)));
    }

    /// The next thing by `until`.
    pub fn pop(&mut self, until: Ms) -> Option<(Ms, Event)> {
        let Reverse((at, ..)) = self.planned.peek()?;
        if *at > until {
            return None;
        }
        self.planned.pop().map(|Reverse((at, _, event))| (at, event))
    }
}
