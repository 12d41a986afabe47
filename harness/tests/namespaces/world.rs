//! Two namespaces and the link between them.
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use harness::fault::link::LinkParams;
use harness::subject::process::namespace::Namespace;
use harness::subject::process::packet_link::PacketLink;

pub const MS: Duration = Duration::from_millis(1);
pub const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// Of the harness's own questions.
pub const UNSHAPED: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
pub const PORT: u16 = 24_100;

pub struct World {
    pub link: PacketLink,
    pub a: Namespace,
    pub b: Namespace,
}

/// A link of no delay.
pub fn plain() -> LinkParams {
    LinkParams { latency: Duration::ZERO, ..LinkParams::default() }
}

impl World {
    /// Both directions are as `params`.
    pub fn new(params: LinkParams) -> Self {
        let (a, tun_a) = Namespace::new(&[A, UNSHAPED]).unwrap();
        let (b, tun_b) = Namespace::new(&[B]).unwrap();
        let tuns = vec![(vec![A, UNSHAPED], tun_a), (vec![B], tun_b)];
        Self { link: PacketLink::start(7, tuns, params, vec![UNSHAPED]).unwrap(), a, b }
    }

    /// A socket at each side, connected to the other.
    pub fn udp(&self) -> [UdpSocket; 2] {
        let ends = [(&self.a, A, B), (&self.b, B, A)];
        ends.map(|(namespace, from, to)| {
            inside(namespace, || {
                let socket = UdpSocket::bind((from, PORT)).unwrap();
                socket.connect((to, PORT)).unwrap();
                socket.set_read_timeout(Some(200 * MS)).unwrap();
                socket
            })
        })
    }
}

/// Runs `f` in a thread in `namespace`; sockets that it makes stay there.
pub fn inside<T: Send>(namespace: &Namespace, f: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let run = scope.spawn(|| {
            namespace.enter().unwrap();
            f()
        });
        run.join().unwrap()
    })
}

pub fn at(ip: Ipv4Addr) -> SocketAddrV4 {
    SocketAddrV4::new(ip, PORT)
}

/// Waits until `done`, and fails after `patience`.
pub fn wait_for(what: &str, patience: Duration, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < patience, "{what}: not within {patience:?}");
        thread::sleep(MS);
    }
}
