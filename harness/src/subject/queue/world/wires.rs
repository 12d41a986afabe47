//! What goes over connections, and how they end.
use std::time::Duration;

use node::protocol::{ConnId, Input};
use node::wire::{Decoded, decode};

use super::{Party, World};
use crate::subject::queue::heap::{Event, Ms};
use crate::subject::queue::wire::{Found, Holder, Parcel};

/// Bytes that may wait to be sent to one peer (D-27, the runtime's).
const QUEUE: usize = 4 << 20;

impl World<'_> {
    pub(super) fn hold(&mut self, wire: u32, side: usize, holder: Holder) {
        if let Some(Some(wire)) = self.wires.get_mut(wire as usize) {
            wire.holders[side] = holder;
        }
    }

    /// Sends a line of `len` bytes; `false` where too much waits already.
    pub(super) fn send(&mut self, number: u32, side: usize, parcel: Parcel, len: usize) -> bool {
        self.messages += 1;
        let Some(Some(wire)) = self.wires.get_mut(number as usize) else { return true };
        if wire.queued(side) + len > QUEUE {
            return false;
        }
        if matches!(&parcel, Parcel::Message(message) if message.asks()) {
            wire.connection.asks(side, Duration::from_millis(self.now), &mut self.net.0.borrow_mut());
        }
        let waits = wire.queued(side) > 0;
        wire.queue(side, parcel, len);
        if !waits {
            self.pump(number, side);
        }
        true
    }

    /// Writes what waits at an end, as far as there is room.
    pub(super) fn pump(&mut self, number: u32, side: usize) {
        let Some(Some(wire)) = self.wires.get_mut(number as usize) else { return };
        if wire.queued(side) == 0 {
            return;
        }
        let result = wire.pump(side, self.now, &mut self.net.0.borrow_mut());
        self.stir(number);
        if let Err(reason) = result {
            self.ended(number, side, reason, false);
        }
    }

    /// Notes who has to look again on a wire, and forgets one that nobody has any more.
    pub(super) fn stir(&mut self, number: u32) {
        let Some(place) = self.wires.get_mut(number as usize) else { return };
        let Some(wire) = place else { return };
        if wire.connection.is_dropped() {
            *place = None;
            return;
        }
        self.stirred.extend(wire.connection.stirred().map(|(side, half)| (number, side, half)));
    }

    /// An end is closed by who has it.
    pub(super) fn close(&mut self, number: u32, side: usize) {
        let linger = match self.wires.get(number as usize) {
            Some(Some(wire)) => match &self.parties[wire.parties[side] as usize] {
                Party::Node(node) => node.linger(),
                Party::Peer(_) => 0,
            },
            _ => return,
        };
        if let Some(Some(wire)) = self.wires.get_mut(number as usize) {
            let net = &mut self.net.0.borrow_mut();
            if wire.close(side, self.now, net) {
                match linger {
                    0 => wire.drop_end(side, self.now, net),
                    linger => self.heap.push(self.now + linger, Event::Linger(number, side as u8)),
                }
            }
        }
        self.stir(number);
    }

    pub(super) fn queue_full(&mut self, party: u32, number: u32, side: u8) {
        let Some(Some(wire)) = self.wires.get(number as usize) else { return };
        if let Holder::Node(conn) = wire.holders[side as usize] {
            self.close(number, side as usize);
            if let Party::Node(node) = &mut self.parties[party as usize] {
                node.forget(conn);
            }
            self.tell(party, Input::Closed { conn, reason: "send queue full".to_owned(), by_us: true });
        }
    }

    /// An end is over for who has it, by the other side or the network.
    pub(super) fn ended(&mut self, number: u32, side: usize, reason: &str, by_us: bool) {
        let Some(Some(wire)) = self.wires.get(number as usize) else { return };
        let (holder, party) = (wire.holders[side], wire.parties[side]);
        self.close(number, side);
        match (holder, &mut self.parties[party as usize]) {
            (Holder::Node(conn), Party::Node(node)) => {
                node.forget(conn);
                self.tell(party, Input::Closed { conn, reason: reason.to_owned(), by_us });
            }
            (Holder::Peer(session), Party::Peer(peer)) => {
                peer.closed(session, self.now);
                self.want(party);
            }
            _ => {}
        }
    }

    pub(super) fn plan_look(&mut self, number: u32, side: usize, at: Ms) {
        if let Some(Some(wire)) = self.wires.get_mut(number as usize)
            && at < wire.look_at[side]
        {
            wire.look_at[side] = at;
            self.heap.push(at, Event::Look(number, side as u8));
        }
    }

    /// Takes what has arrived at an end.
    pub(super) fn look(&mut self, number: u32, side: usize) {
        let Some(Some(wire)) = self.wires.get_mut(number as usize) else { return };
        let party = wire.parties[side];
        if wire.holders[side] != Holder::Nobody && self.holds(party, Event::Look(number, side as u8)) {
            return;
        }
        loop {
            let Some(Some(wire)) = self.wires.get_mut(number as usize) else { return };
            let holder = wire.holders[side];
            // What isn't accepted waits, and what was closed is nobody's.
            if holder == Holder::Nobody {
                return;
            }
            let found = wire.look(side, self.now, &mut self.net.0.borrow_mut());
            self.stir(number);
            match found {
                Found::Parcel(parcel) => self.deliver(party, holder, parcel),
                Found::End(reason) => return self.ended(number, side, reason, false),
                Found::Nothing(again) => {
                    if let Some(at) = again {
                        self.plan_look(number, side, at);
                    }
                    return;
                }
            }
        }
    }

    pub(super) fn deliver(&mut self, party: u32, holder: Holder, parcel: Parcel) {
        match (holder, &mut self.parties[party as usize]) {
            (Holder::Node(conn), Party::Node(_)) => {
                if let Some(input) = input(conn, parcel) {
                    self.tell(party, input);
                }
            }
            (Holder::Peer(session), Party::Peer(peer)) => {
                peer.heard(session, &parcel, self.now, &mut self.wants);
                self.want(party);
            }
            _ => {}
        }
    }
}

/// What a node's runtime makes of a line.
fn input(conn: ConnId, parcel: Parcel) -> Option<Input> {
    let line = match parcel {
        Parcel::Message(message) => return Some(Input::Received { conn, message }),
        Parcel::Line(line) => line,
    };
    match decode(line.as_bytes()) {
        Ok(Decoded::Message(message)) => Some(Input::Received { conn, message }),
        Ok(Decoded::Unknown(name)) => Some(Input::ReceivedUnknown { conn, name }),
        Ok(Decoded::Empty) => None,
        Err(error) => Some(Input::Malformed { conn, reason: error.to_string() }),
    }
}
