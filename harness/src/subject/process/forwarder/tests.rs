use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use super::*;

const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// Behind the device of A, unshaped.
const ASKER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const MS: Duration = Duration::from_millis(1);

/// A forwarder between two sockets that stand for devices, and the other ends of these.
fn bench(params: LinkParams) -> (Forwarder, [UnixDatagram; 2]) {
    let device = |ip: Ipv4Addr| {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        ((vec![ip], OwnedFd::from(ours).into()), theirs)
    };
    let ((mut a, outside_a), (b, outside_b)) = (device(A), device(B));
    a.0.push(ASKER);
    (Forwarder::new(1, vec![a, b], params, vec![ASKER]), [outside_a, outside_b])
}

fn plain() -> LinkParams {
    LinkParams { latency: Duration::ZERO, ..LinkParams::default() }
}

/// An IP packet of `len` bytes that isn't TCP.
fn packet(from: Ipv4Addr, to: Ipv4Addr, len: u16) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(len.to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    packet.extend(from.octets());
    packet.extend(to.octets());
    packet.resize(len.into(), 7);
    packet
}

fn arrived(at: &UnixDatagram) -> usize {
    std::iter::from_fn(|| at.recv(&mut [0; MTU]).ok()).count()
}

#[test]
fn a_rate_lets_packets_go_one_by_one_and_a_change_at_once() {
    let (mut forwarder, [a, b]) = bench(LinkParams { rate: Some(10_000), ..plain() });
    for _ in 0..5 {
        a.send(&packet(A, B, 100)).unwrap();
    }
    forwarder.read(0, || 5 * MS).unwrap();
    let mut seen = Vec::new();
    for t in [14, 15, 24, 25, 30] {
        forwarder.run(MS * t);
        seen.push(arrived(&b));
    }
    assert_eq!(seen, [0, 1, 0, 1, 0]);
    forwarder.set(A, B, plain(), 31 * MS);
    assert_eq!((arrived(&b), forwarder.link(A, B).stats().shaped), (3, 3));
    // What was to happen then is no more.
    forwarder.run(100 * MS);
    assert_eq!((arrived(&b), forwarder.next()), (0, None));
}

#[test]
fn a_cut_takes_what_waits_and_not_what_has_left() {
    let (mut forwarder, [a, b]) = bench(LinkParams { rate: Some(10_000), latency: 50 * MS, ..plain() });
    for _ in 0..5 {
        a.send(&packet(A, B, 100)).unwrap();
    }
    forwarder.read(0, || MS).unwrap();
    forwarder.run(25 * MS);
    forwarder.set(A, B, LinkParams { cut: true, rate: Some(10_000), ..plain() }, 25 * MS);
    forwarder.run(200 * MS);
    assert_eq!((arrived(&b), forwarder.link(A, B).stats().lost_to_cut), (2, 3));
}

#[test]
fn strangers_and_rubbish_go_nowhere() {
    let (mut forwarder, [a, b]) = bench(plain());
    let forged = packet(B, A, 100);
    let nowhere = packet(A, Ipv4Addr::new(10, 0, 0, 3), 100);
    for bytes in [&forged[..], &nowhere, &packet(A, B, 100)[..19], &[0x60; 40], &[0x45; 20], &[7]] {
        a.send(bytes).unwrap();
    }
    forwarder.read(0, || MS).unwrap();
    assert_eq!((arrived(&a), arrived(&b), forwarder.ways.len(), forwarder.bytes()), (0, 0, 0, 0));
}

#[test]
fn memory_is_bounded_and_what_has_no_room_is_counted() {
    let (mut forwarder, [a, b]) = bench(LinkParams { latency: 1_000 * MS, ..plain() });
    let bytes = packet(A, B, 1_400);
    const SENT: u64 = 50_000;
    for _ in 0..SENT {
        a.send(&bytes).unwrap();
        forwarder.read(0, || MS).unwrap();
    }
    let stats = forwarder.link(A, B).stats();
    assert_eq!((stats.sent, stats.delivered + stats.lost_to_queue), (SENT, SENT));
    assert!(stats.delivered as usize * MTU <= 64 << 20 && stats.lost_to_queue > 0, "{stats:?}");
    // The receiver has its own limit, and never keeps the others waiting.
    forwarder.run(2_000 * MS);
    let refused = forwarder.link(A, B).stats();
    assert_eq!(refused.delivered as usize, arrived(&b));
    assert_eq!(refused.delivered + refused.lost_to_queue, SENT);
}

#[test]
fn flows_keep_their_order_and_what_is_overtaken_does_not() {
    let jittered = LinkParams { latency: 5 * MS, jitter: 20 * MS, ..plain() };
    for (reorder, in_order) in [(0.0, true), (0.2, false)] {
        let (mut forwarder, [a, b]) = bench(LinkParams { reorder, ..jittered.clone() });
        for i in 0..100 {
            a.send(&packet(A, B, 100 + i)).unwrap();
            forwarder.read(0, || MS * i.into()).unwrap();
        }
        let mut order = Vec::new();
        for t in 100..300 {
            forwarder.run(MS * t);
            order.extend(std::iter::from_fn(|| b.recv(&mut [0; MTU]).ok()));
        }
        assert_eq!((order.len(), order.is_sorted()), (100, in_order));
    }
}

#[test]
fn a_device_that_is_gone_refuses() {
    let (mut forwarder, [a, b]) = bench(plain());
    drop(b);
    for from in [A, ASKER] {
        a.send(&packet(from, B, 100)).unwrap();
    }
    forwarder.read(0, || MS).unwrap();
    let stats = [A, ASKER].map(|from| forwarder.link(from, B).stats());
    assert_eq!(stats.map(|stats| (stats.sent, stats.delivered, stats.lost_to_queue)), [(1, 0, 1), (0, 0, 0)]);
}
