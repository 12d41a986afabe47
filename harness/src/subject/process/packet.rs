//! IP packets: what the link has to know of them, and the memory that they lie in.
use std::net::{Ipv4Addr, SocketAddrV4};

use agent::MTU;
use etherparse::{IpNumber, Ipv4HeaderSlice, TcpHeaderSlice};

/// Packets that are on their way at once, at most: 64 MiB in all. More are lost as in a full queue.
const AT_ONCE: usize = (64 << 20) / MTU;

/// A packet on its way.
#[derive(Debug)]
pub struct Packet {
    bytes: Box<[u8; MTU]>,
    len: usize,
    /// What [`Header::class`] said.
    pub class: usize,
}

impl Packet {
    /// The packet's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The packet's length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Fills the packet by `read`, which tells the length.
    pub fn fill<E>(&mut self, read: impl FnOnce(&mut [u8; MTU]) -> Result<usize, E>) -> Result<(), E> {
        self.len = read(&mut self.bytes)?.min(MTU);
        Ok(())
    }
}

/// The memory of packets, used again and again.
#[derive(Debug, Default)]
pub struct Pool {
    free: Vec<Packet>,
    made: usize,
}

impl Pool {
    /// A packet to be filled; `None` when too many are on their way.
    pub fn take(&mut self) -> Option<Packet> {
        if self.free.is_empty() && self.made < AT_ONCE {
            self.made += 1;
            self.free.push(Packet { bytes: Box::new([0; MTU]), len: 0, class: 0 });
        }
        self.free.pop()
    }

    /// The same packet once more.
    pub fn copy(&mut self, packet: &Packet) -> Option<Packet> {
        let mut copy = self.take()?;
        copy.bytes[..packet.len].copy_from_slice(packet.bytes());
        (copy.len, copy.class) = (packet.len, packet.class);
        Some(copy)
    }

    /// A packet that has arrived or is lost.
    pub fn give_back(&mut self, packet: Packet) {
        self.free.push(packet);
    }
}

/// What the link has to know of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its sender.
    pub from: Ipv4Addr,
    /// Its receiver.
    pub to: Ipv4Addr,
    /// A segment of TCP.
    pub segment: Option<Segment>,
}

/// What connections are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The sender's end.
    pub from: SocketAddrV4,
    /// The receiver's end.
    pub to: SocketAddrV4,
    /// Its sequence number.
    pub number: u32,
    /// Opens.
    pub syn: bool,
    /// Answers.
    pub ack: bool,
    /// Closes.
    pub fin: bool,
    /// Denies.
    pub rst: bool,
    /// Has data.
    pub data: bool,
}

/// Classes of flows; those of a class are kept in order.
pub const CLASSES: usize = 16;

impl Header {
    /// Reads the headers of `packet`; `None` when it isn't IPv4.
    pub fn read(packet: &[u8]) -> Option<Self> {
        let ip = Ipv4HeaderSlice::from_slice(packet).ok()?;
        let (from, to) = (ip.source_addr(), ip.destination_addr());
        let body = packet.get(ip.slice().len()..)?;
        let whole = ip.protocol() == IpNumber::TCP && !ip.is_fragmenting_payload();
        let segment = whole.then(|| TcpHeaderSlice::from_slice(body).ok()).flatten().map(|tcp| Segment {
            from: SocketAddrV4::new(from, tcp.source_port()),
            to: SocketAddrV4::new(to, tcp.destination_port()),
            number: tcp.sequence_number(),
            syn: tcp.syn(),
            ack: tcp.ack(),
            fin: tcp.fin(),
            rst: tcp.rst(),
            data: body.len() > tcp.slice().len(),
        });
        Some(Self { from, to, segment })
    }

    /// The class of the packet's flow, by its ports. All that isn't TCP is one flow.
    pub fn class(&self) -> usize {
        self.segment.map_or(0, |segment| usize::from(segment.from.port() ^ segment.to.port()) % CLASSES)
    }
}
