//! What is to happen, and when: in order of time, and of having been planned.
use std::collections::{BTreeMap, VecDeque};

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

/// All that is planned. Much of it at the same time: lists by millisecond cost less than an order of single events.
#[derive(Debug, Default)]
pub struct Heap {
    /// What is left of the millisecond that is on, and when that is.
    on: (Ms, VecDeque<Event>),
    later: BTreeMap<Ms, VecDeque<Event>>,
    /// Lists that are empty, for new ones.
    spare: Vec<VecDeque<Event>>,
}

impl Heap {
    /// Plans `event`; not before what is on.
    pub fn push(&mut self, at: Ms, event: Event) {
        if at == self.on.0 {
            return self.on.1.push_back(event);
        }
        let spare = &mut self.spare;
        self.later.entry(at).or_insert_with(|| spare.pop().unwrap_or_default()).push_back(event);
    }

    /// The next thing by `until`.
    pub fn pop(&mut self, until: Ms) -> Option<(Ms, Event)> {
        if self.on.1.is_empty() {
            let next = self.later.first_entry().filter(|next| *next.key() <= until)?;
            let last = std::mem::replace(&mut self.on, next.remove_entry());
            self.spare.push(last.1);
        }
        self.on.1.pop_front().map(|event| (self.on.0, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_order_of_time_and_of_having_been_planned() {
        let mut heap = Heap::default();
        for (at, party) in [(7, 1), (3, 2), (7, 3), (0, 4), (9, 5)] {
            heap.push(at, Event::Start(party));
        }
        let mut seen = Vec::new();
        while let Some((at, Event::Start(party))) = heap.pop(8) {
            if party == 2 {
                heap.push(3, Event::Start(6));
                heap.push(7, Event::Start(7));
            }
            seen.push((at, party));
        }
        assert_eq!(seen, [(0, 4), (3, 2), (3, 6), (7, 1), (7, 3), (7, 7)]);
        assert_eq!(heap.pop(9), Some((9, Event::Start(5))));
        assert_eq!(heap.pop(Ms::MAX), None);
    }
}
