//! What the timeline does to a run.
use node::protocol::Input;

use super::{Party, SharedNet, World};
use crate::fault::SimTime;
use crate::history::What;
use crate::scenario::resolved::Direction;
use crate::subject::change::Close;
use crate::subject::link_fault::LinkFaults;
use crate::subject::queue::heap::Event;
use crate::subject::sim_fault::Machines;
use crate::subject::stage::Stage;

impl Stage for World<'_> {
    type Network = SharedNet;

    fn faults(&mut self) -> (&mut LinkFaults<SharedNet>, &mut Machines) {
        (&mut self.links, &mut self.machines)
    }

    fn seen(&mut self, _: SimTime, source: &str, what: What) {
        self.seen.push(source, what);
    }

    fn down(&mut self, name: &str, power_loss: bool, now: SimTime) {
        let Some(party) = self.by_name.get(name).copied() else { return };
        let Party::Node(node) = &mut self.parties[party as usize] else { return };
        node.end();
        self.net.0.borrow_mut().host_down(node.ip, power_loss, now);
        self.dials.iter_mut().filter(|dial| dial.party == party).for_each(|dial| dial.done = true);
        let how = if power_loss { Close::PowerLoss } else { Close::Killed };
        for number in 0..self.wires.len() as u32 {
            let Some(wire) = &mut self.wires[number as usize] else { continue };
            for side in [0, 1] {
                if wire.parties[side] == party {
                    wire.ended(side, self.now, how, &mut self.net.0.borrow_mut());
                }
            }
            self.stir(number);
        }
    }

    fn up(&mut self, name: &str, now: SimTime) {
        let Some(party) = self.by_name.get(name).copied() else { return };
        let ip = self.ip(party);
        self.net.0.borrow_mut().host_up(ip, now);
        self.start(party);
    }

    fn runs(&mut self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|party| match &self.parties[*party as usize] {
            Party::Node(node) => node.runs(),
            Party::Peer(_) => true,
        })
    }

    fn resumed(&mut self, who: &[String]) {
        for name in who {
            let Some(party) = self.by_name.get(name).copied() else { continue };
            let Party::Node(node) = &mut self.parties[party as usize] else { continue };
            if node.gate.is_paused() {
                continue;
            }
            let mut deferred = std::mem::take(&mut node.deferred);
            deferred.sort_by_key(|event| self.turn_of(party, *event));
            for event in deferred {
                match event {
                    Event::Look(wire, side) => self.look(wire, side as usize),
                    Event::Wake(party) => self.tell(party, Input::Tick),
                    event => self.happen(event),
                }
                self.settle();
            }
        }
    }

    fn direct(&mut self, peer: &str, direction: &Direction) {
        let Some(party) = self.by_name.get(peer).copied() else { return };
        if let Party::Peer(peer) = &mut self.parties[party as usize] {
            peer.direct(direction, self.now, &mut self.wants);
            self.want(party);
        }
    }
}

impl World<'_> {
    /// The order in which a node's runtime takes what has come in the meantime.
    fn turn_of(&self, party: u32, event: Event) -> u8 {
        match event {
            Event::Written(..) => 0,
            Event::SynAck(..) | Event::DialTimeout(_) | Event::Retry(_) => 1,
            Event::Accept(_) => 2,
            Event::Look(wire, side) => {
                let other = self.wires.get(wire as usize).and_then(|wire| Some(wire.as_ref()?.connection.ips()));
                let other = other.map(|ips| ips[1 - side as usize]);
                match &self.parties[party as usize] {
                    Party::Node(node) if other.is_some_and(|ip| node.whitelists(ip)) => 3,
                    _ => 4,
                }
            }
            _ => 5,
        }
    }
}
