//! How connections begin.
use std::time::Duration;

use node::protocol::{Direction as Dialled, Input};

use super::{Party, World};
use crate::subject::change::Change;
use crate::subject::connection::Connection;
use crate::subject::queue::dial::{Dial, millis};
use crate::subject::queue::heap::Event;
use crate::subject::queue::wire::{Holder, Wire};

impl World<'_> {
    /// A dial begins: its number.
    pub(super) fn dial(&mut self, dial: Dial) -> u32 {
        let at = Duration::from_millis(self.now);
        self.net.0.borrow_mut().happened(at, dial.from, dial.to, Change::Dialled);
        self.dials.push(dial);
        self.dials.len() as u32 - 1
    }

    pub(super) fn syn(&mut self, number: u32) {
        let party = self.dials[number as usize].party;
        if self.dials[number as usize].done || self.holds(party, Event::Retry(number)) {
            return;
        }
        let next = self.dials[number as usize].send(number, self.now, &mut self.net.0.borrow_mut());
        match next {
            Some((at, event)) => self.heap.push(at, event),
            None => self.dial_failed(number, "timed out", false),
        }
    }

    /// A dial's answer is there.
    pub(super) fn answered(&mut self, number: u32, yes: bool) {
        let Dial { party, session, from, to, done, .. } = self.dials[number as usize];
        if done || self.holds(party, Event::SynAck(number, yes)) {
            return;
        }
        if !yes {
            return self.dial_failed(number, "connection refused", true);
        }
        let Some(other) = self.by_ip.get(&to).copied().filter(|_| self.listens(to)) else {
            return self.dial_failed(number, "connection reset", false);
        };
        self.dials[number as usize].done = true;
        let wire = self.wires.len() as u32;
        let at = Duration::from_millis(self.now);
        let ack = {
            let net = &mut self.net.0.borrow_mut();
            self.wires.push(Some(Wire::new(Connection::open(from, to, at, net), [party, other])));
            net.ack(from, to, at)
        };
        self.heap.push(self.now + millis(ack), Event::Accept(wire));
        match &mut self.parties[party as usize] {
            Party::Node(node) => {
                let conn = node.connection(wire, 0);
                self.hold(wire, 0, Holder::Node(conn));
                self.tell(party, Input::Connected { conn, peer: to, local: from, direction: Dialled::Outbound });
            }
            Party::Peer(peer) => {
                let session = session.unwrap_or_default();
                peer.opened(session, wire, 0, &self.seen, &mut self.wants);
                self.hold(wire, 0, Holder::Peer(session));
                self.want(party);
            }
        }
        self.plan_look(wire, 0, self.now);
    }

    pub(super) fn dial_failed(&mut self, number: u32, reason: &str, refused: bool) {
        let Dial { party, session, from, to, port_is_used, done, .. } = self.dials[number as usize];
        if done
            || self.holds(party, if reason == "timeout" { Event::DialTimeout(number) } else { Event::Retry(number) })
        {
            return;
        }
        self.dials[number as usize].done = true;
        match &mut self.parties[party as usize] {
            Party::Node(_) => self.tell(party, Input::DialFailed { peer: to, reason: reason.to_owned() }),
            Party::Peer(peer) => {
                let again = peer.dial_failed(session.unwrap_or_default(), refused, self.now);
                self.want(party);
                if let Some(at) = again {
                    self.dials.push(Dial::new(party, session, from, to, port_is_used));
                    self.heap.push(at, Event::Retry(self.dials.len() as u32 - 1));
                }
            }
        }
    }

    /// Who was dialled learns of a wire.
    pub(super) fn accept(&mut self, number: u32) {
        let Some(Some(wire)) = self.wires.get(number as usize) else { return };
        let ([dialler, party], [from, to]) = (wire.parties, wire.connection.ips());
        if wire.connection.is_dropped() || self.holds(party, Event::Accept(number)) {
            return;
        }
        match &mut self.parties[party as usize] {
            Party::Node(node) if node.runs() => {
                let conn = node.connection(number, 1);
                self.hold(number, 1, Holder::Node(conn));
                self.tell(party, Input::Connected { conn, peer: from, local: to, direction: Dialled::Inbound });
            }
            Party::Node(_) => return,
            Party::Peer(_) => {
                let name = match &self.parties[dialler as usize] {
                    Party::Node(node) => node.name.clone(),
                    Party::Peer(peer) => peer.name.clone(),
                };
                let Party::Peer(peer) = &mut self.parties[party as usize] else { return };
                let session = peer.accepted(name);
                peer.opened(session, number, 1, &self.seen, &mut self.wants);
                self.hold(number, 1, Holder::Peer(session));
                self.want(party);
            }
        }
        self.plan_look(number, 1, self.now);
    }
}
