//! The network between the processes.
use std::net::IpAddr;
use std::sync::Arc;

use super::packet_link::PacketLink;
use crate::fault::SimTime;
use crate::fault::link::{LinkParams, LinkStats};
use crate::subject::link_fault::Links;

/// One of two; clones are the same.
#[derive(Clone)]
pub enum Wires {
    /// The harness carries every packet.
    Packets(Arc<PacketLink>),
    /// The machine's own loopback.
    Plain,
}

impl Links for Wires {
    fn set(&self, from: IpAddr, to: IpAddr, params: LinkParams, _: SimTime) {
        if let (Self::Packets(link), IpAddr::V4(from), IpAddr::V4(to)) = (self, from, to) {
            link.set(from, to, params);
        }
    }

    fn get(&self, from: IpAddr, to: IpAddr, _: SimTime) -> LinkParams {
        match (self, from, to) {
            (Self::Packets(link), IpAddr::V4(from), IpAddr::V4(to)) => link.link(from, to),
            _ => LinkParams::default(),
        }
    }

    fn stats(&self, from: IpAddr, to: IpAddr) -> LinkStats {
        match (self, from, to) {
            (Self::Packets(link), IpAddr::V4(from), IpAddr::V4(to)) => link.stats(from, to),
            _ => LinkStats::default(),
        }
    }
}
