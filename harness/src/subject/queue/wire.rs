//! A connection that carries messages as values.
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::time::Duration;

use node::protocol::ConnId;

use super::dial::millis;
use super::heap::Ms;
use crate::fault::flow::WINDOW;
use crate::subject::change::Close;
use crate::subject::connection::{Answer, Connection};
use crate::subject::net::Net;

pub use crate::subject::connection::Half;

/// What one line carries.
#[derive(Debug, Clone)]
pub enum Parcel {
    /// A message.
    Message(node::wire::Message),
    /// Something else, as it is written.
    Line(String),
}

/// Who has an end of a wire, and by what number it knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The end isn't accepted yet, or is dropped.
    Nobody,
    /// A node.
    Node(ConnId),
    /// A scripted peer.
    Peer(u64),
}

/// A connection with what it carries.
#[derive(Debug)]
pub struct Wire {
    /// What TCP makes of it.
    pub connection: Connection,
    /// The parties at its ends, who dialled first.
    pub parties: [u32; 2],
    /// Who has the ends.
    pub holders: [Holder; 2],
    /// What each end writes.
    writing: [Writing; 2],
    /// When each end is going to look at what arrives.
    pub look_at: [Ms; 2],
}

/// One direction.
#[derive(Debug, Default)]
struct Writing {
    /// Not wholly written, the first one with what is left of it.
    queue: VecDeque<(Parcel, usize)>,
    /// Bytes of the queue.
    queued: usize,
    /// Written, each with the place of its last byte in the flow.
    under_way: VecDeque<(u64, Parcel)>,
    written: u64,
    read: u64,
    /// No more comes; the connection is closed when the queue is empty.
    closing: bool,
}

/// What an end finds when it looks.
#[derive(Debug)]
pub enum Found {
    /// This.
    Parcel(Parcel),
    /// Nothing more will come, and why.
    End(&'static str),
    /// Nothing before this time.
    Nothing(Option<Ms>),
}

/// Never.
pub const NEVER: Ms = Ms::MAX;

impl Wire {
    /// A connection between two parties, who dialled first.
    pub fn new(connection: Connection, parties: [u32; 2]) -> Self {
        let holders = [Holder::Nobody; 2];
        Self { connection, parties, holders, writing: Default::default(), look_at: [NEVER; 2] }
    }

    /// Bytes that wait to be written at `side`.
    pub fn queued(&self, side: usize) -> usize {
        self.writing[side].queued
    }

    /// Queues a line of `len` bytes; [`Wire::pump`] writes.
    pub fn queue(&mut self, side: usize, parcel: Parcel, len: usize) {
        self.writing[side].queue.push_back((parcel, len));
        self.writing[side].queued += len;
    }

    /// Writes what there is room for, and closes the end where that was all that it waited for.
    ///
    /// # Errors
    /// Why nothing can be written any more.
    pub fn pump(&mut self, side: usize, now: Ms, net: &mut Net) -> Result<(), &'static str> {
        let writing = &mut self.writing[side];
        let at = Duration::from_millis(now);
        while let Some((_, left)) = writing.queue.front_mut() {
            match self.connection.write(side, at, *left, net) {
                Answer::Now(Ok(n)) => {
                    *left -= n;
                    writing.queued -= n;
                    writing.written += n as u64;
                    if *left == 0
                        && let Some((parcel, _)) = writing.queue.pop_front()
                    {
                        writing.under_way.push_back((writing.written, parcel));
                    }
                }
                Answer::Now(Err(kind)) => {
                    writing.queue.clear();
                    writing.queued = 0;
                    if writing.closing {
                        break;
                    }
                    return Err(reason(kind));
                }
                Answer::Wait(_) => break,
            }
        }
        if writing.closing && writing.queue.is_empty() {
            self.drop_end(side, now, net);
        }
        Ok(())
    }

    /// What there is to see at `side`.
    pub fn look(&mut self, side: usize, now: Ms, net: &mut Net) -> Found {
        let at = Duration::from_millis(now);
        loop {
            let incoming = &mut self.writing[1 - side];
            if let Some((end, _)) = incoming.under_way.front()
                && *end <= incoming.read
                && let Some((_, parcel)) = incoming.under_way.pop_front()
            {
                return Found::Parcel(parcel);
            }
            if self.connection.is_quiet(side) {
                return Found::Nothing(None);
            }
            match self.connection.read(side, at, WINDOW, net) {
                Answer::Now(Ok(0)) => return Found::End("closed by peer"),
                Answer::Now(Ok(n)) => incoming.read += n as u64,
                Answer::Now(Err(kind)) => return Found::End(reason(kind)),
                // Rounded up: time is in whole milliseconds.
                Answer::Wait(again) => {
                    return Found::Nothing(again.map(|at| millis(at).max(now + 1)));
                }
            }
        }
    }

    /// No more is written or read at `side`; what is queued may still leave. Whether it has to be waited for.
    pub fn close(&mut self, side: usize, now: Ms, net: &mut Net) -> bool {
        self.writing[side].closing = true;
        self.holders[side] = Holder::Nobody;
        if self.writing[side].queue.is_empty() {
            self.drop_end(side, now, net);
        }
        !self.writing[side].queue.is_empty()
    }

    /// The end at `side` is gone.
    pub fn drop_end(&mut self, side: usize, now: Ms, net: &mut Net) {
        self.ended(side, now, Close::Fin, net);
    }

    /// The process at `side` has ended, or its machine.
    pub fn ended(&mut self, side: usize, now: Ms, how: Close, net: &mut Net) {
        self.holders[side] = Holder::Nobody;
        let writing = &mut self.writing[side];
        writing.queue.clear();
        (writing.queued, writing.closing) = (0, false);
        self.connection.close(side, Duration::from_millis(now), how, net);
    }
}

/// As the node's runtime puts it.
fn reason(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::TimedOut => "timed out",
        _ => "connection reset",
    }
}
