//! An oracle is shown what a node might do.
use std::net::IpAddr;

use node::chain::{Hash, HeightRange};
use node::config::Config;
use node::protocol::{ConnId, Direction, Event, Input, Output};
use node::wire::Message;

use super::*;

const GENESIS: Hash = Hash([7; 32]);

/// A node at 1000 that whitelists 10.0.0.1 to 10.0.0.4.
struct Node {
    oracle: Oracle,
    at: Duration,
    broken: Vec<Breach>,
}

fn ip(last: u64) -> IpAddr {
    IpAddr::from([10, 0, 0, last as u8])
}

impl Node {
    fn new() -> Self {
        Self::with("")
    }

    /// With these lines of `[network]`.
    fn with(network: &str) -> Self {
        let text = format!(
            "[network]\nwhitelisted_peers = [\"10.0.0.1\", \"10.0.0.2\", \"10.0.0.3\", \"10.0.0.4\"]\n{network}\n"
        );
        let config = Config::parse(&text, "config.toml", std::path::Path::new("")).expect("it is one");
        let mut node = Self { oracle: Oracle::default(), at: Duration::ZERO, broken: Vec::new() };
        node.oracle.crossed(node.at, Crossing::Began { config: &config, genesis: Some(GENESIS) });
        node
    }

    fn at(mut self, seconds: u64) -> Self {
        self.at = Duration::from_secs(seconds);
        self
    }

    fn told(mut self, input: Input) -> Self {
        self.broken.extend(self.oracle.crossed(self.at, Crossing::In { input: &input, tip: 1000 }));
        self
    }

    fn did(mut self, output: Output) -> Self {
        self.broken.extend(self.oracle.crossed(self.at, Crossing::Out(&output)));
        self
    }

    fn said(self, event: Event) -> Self {
        self.did(Output::Event(event))
    }

    fn hears(self, from: u64, message: Message) -> Self {
        self.told(Input::Received { conn: ConnId(from), message })
    }

    fn sends(self, to: u64, message: Message) -> Self {
        self.did(Output::Send { conn: ConnId(to), message })
    }

    fn pings(self, to: u64, nonce: u64) -> Self {
        self.sends(to, Message::Ping { nonce, timestamp: 0, height: Some(1000) })
    }

    /// A peer dials it and is connected.
    fn meets(self, last: u64) -> Self {
        let (conn, peer) = (ConnId(last), ip(last));
        let handshake = Message::Handshake { magic: [0; 4], protocol_version: 1, network: "testnet".into() };
        self.told(Input::Connected { conn, peer, local: ip(100), direction: Direction::Inbound })
            .hears(last, handshake)
            .said(Event::Connected { ip: peer, direction: Direction::Inbound, whitelisted: last <= 4 })
            .pings(last, 1000 + last)
    }

    /// The coordinator looks.
    fn checks(self, consensus: Option<u64>) -> Self {
        self.told(Input::Tick).said(Event::Checked { our: 1000, consensus, deviation: 0.0, initiated: false })
    }

    fn asks(self, last: u64, start: u64, end: u64, timeout: u64) -> Self {
        let range = HeightRange::new(start, end).expect("it is one");
        let timeout = Duration::from_secs(timeout);
        self.said(Event::Requested { ip: ip(last), range, timeout, whitelisted: last <= 4, hedge: false })
    }

    fn fails(self, last: u64, reason: &str, benched: u64) -> Self {
        let range = HeightRange::new(1001, 1100).expect("it is one");
        let benched = Duration::from_secs(benched);
        self.said(Event::RequestFailed { ip: ip(last), range, reason: reason.into(), whitelisted: true, benched })
    }

    /// What was broken, in one line each.
    fn broken(self) -> Vec<String> {
        self.broken.into_iter().map(|breach| breach.what).collect()
    }
}

fn height(height: u64) -> Message {
    Message::BlockHeightResponse(height)
}

#[test]
fn the_median_is_of_the_newest_heights_of_whitelisted_peers_that_are_connected() {
    let three = || {
        let node = Node::new().checks(None).meets(1).meets(2).meets(3).meets(9);
        node.hears(1, height(1200)).hears(2, height(1001)).hears(3, height(1100)).hears(9, height(5))
    };
    assert_eq!(three().checks(Some(1100)).broken(), [""; 0]);
    assert_eq!(
        three().checks(Some(1001)).broken(),
        ["is at 1000 with the median Some(1001), where it is Some(1100) at 1000"]
    );
    assert_eq!(
        three().hears(3, height(1002)).checks(Some(1002)).broken(),
        [""; 0],
        "the newest, also when it is lower"
    );
    let closed = || three().told(Input::Closed { conn: ConnId(2), reason: String::new(), by_us: false });
    assert_eq!(closed().checks(Some(1150)).broken(), [""; 0], "the mean of two");
    assert_eq!(closed().checks(Some(1100)).broken().len(), 1);
    let foreign = || three().hears(1, Message::GenesisHashResponse(Hash([8; 32]))).hears(1, height(9_999));
    assert_eq!(foreign().checks(Some(1050)).broken(), [""; 0], "rounded down");
    assert_eq!(foreign().checks(Some(1051)).broken().len(), 1);
    let highest = three().hears(2, height(u64::MAX)).hears(3, height(u64::MAX)).meets(4).hears(4, height(1001));
    assert_eq!(highest.checks(Some(u64::MAX / 2 + 600)).broken(), [""; 0], "no overflow");
}

#[test]
fn behind_begins_above_the_threshold() {
    let node = || Node::new().told(Input::Tick);
    let behind = |consensus| Event::Behind { our: 1000, consensus, ip: ip(1) };
    let in_sync = |consensus| Event::InSync { our: 1000, consensus, changed: true };
    assert_eq!(node().said(behind(1006)).said(in_sync(1005)).broken(), [""; 0]);
    assert_eq!(node().said(behind(1005)).said(in_sync(1006)).broken().len(), 2);
    let ahead = |blocks| node().meets(1).hears(1, height(1006)).said(Event::PeerAhead { ip: ip(1), blocks }).broken();
    assert_eq!(ahead(6), [""; 0]);
    assert_eq!(ahead(7).len(), 1);
    let far = |consensus| node().said(Event::Ahead { our: 1000, consensus }).broken().len();
    assert_eq!([far(899), far(900)], [0, 1]);
}

#[test]
fn pings_go_on_and_their_pongs_are_counted() {
    // A ping each 30 s, the first as they meet; nothing comes back.
    let silent = |last: u64, pings: u64| {
        (1..pings).fold(Node::new().meets(last), |node, n| node.at(30 * n).told(Input::Tick).pings(last, n))
    };
    let gives_up = |node: Node, last: u64| {
        let (missed, timeout, whitelisted) = (3, Duration::from_secs(90), last <= 4);
        node.told(Input::Tick).said(Event::Unresponsive {
            ip: ip(last),
            direction: Direction::Inbound,
            whitelisted,
            missed,
            timeout,
        })
    };
    assert_eq!(gives_up(silent(9, 5).at(149), 9).broken(), ["gives 10.0.0.9 up after 2 missed pongs of 3"]);
    assert_eq!(gives_up(silent(9, 6).at(150), 9).broken(), [""; 0]);
    assert_eq!(gives_up(silent(1, 11).at(329), 1).broken(), ["gives 10.0.0.1 up after 5 missed pongs of 6"]);
    assert_eq!(gives_up(silent(1, 12).at(330), 1).broken(), [""; 0]);
    let pong = Message::Pong { nonce: 2, timestamp: 0, height: None };
    let answers = silent(9, 5).hears(9, pong.clone());
    assert_eq!(
        gives_up((5..6).fold(answers, |node, n| node.at(30 * n).told(Input::Tick).pings(9, n)), 9).broken().len(),
        1
    );
    // The sixth ping leaves at 150 s, when three have expired: that may not have been looked at yet. The seventh is too much.
    assert_eq!(silent(9, 6).broken(), [""; 0]);
    assert_eq!(silent(9, 7).broken(), ["still keeps 10.0.0.9 after 3 missed pongs"]);
    let wrong = Message::Pong { nonce: 77, timestamp: 0, height: None };
    let wrong = (1..7)
        .fold(Node::new().meets(9), |node, n| node.at(30 * n).told(Input::Tick).pings(9, n).hears(9, wrong.clone()));
    assert_eq!(wrong.broken().len(), 1, "a pong that answers nothing");
    let late = Node::new().meets(1).at(30).told(Input::Tick).at(31).told(Input::Tick).at(32).told(Input::Tick);
    assert_eq!(late.broken(), ["pings 10.0.0.1 1.000 s late"]);
}

#[test]
fn pings_and_pongs_tell_the_height_and_the_nonce() {
    let ping = |nonce| Message::Ping { nonce, timestamp: 0, height: None };
    let pong = |nonce, height| Message::Pong { nonce, timestamp: 0, height };
    let answers = |message| Node::new().meets(1).hears(1, ping(7)).sends(1, message).told(Input::Tick).broken();
    assert_eq!(answers(pong(7, Some(1000))), [""; 0]);
    assert_eq!(answers(pong(7, None)), ["answers 10.0.0.1 with the height None at 1000"]);
    assert_eq!(answers(pong(8, Some(1000))), ["answers ping Some(7) of 10.0.0.1 with 8"]);
    assert_eq!(answers(Message::GetPeers), ["does not answer ping 7 of 10.0.0.1"]);
    assert_eq!(Node::new().meets(1).sends(1, ping(1)).broken(), ["pings 10.0.0.1 with the height None at 1000"]);
}

#[test]
fn pauses_between_dials_double() {
    let dial = |node: Node| node.did(Output::Dial { peer: ip(1), port: None, timeout: Duration::from_secs(10) });
    let failed = |node: Node| node.told(Input::Tick).said(Event::DialFailed { ip: ip(1), reason: String::new() });
    let twice = |again| dial(failed(dial(failed(Node::new()).at(2).told(Input::Tick))).at(again).told(Input::Tick));
    assert_eq!(twice(6).broken(), [""; 0]);
    assert_eq!(twice(5).broken(), ["dials 10.0.0.1 1.000 s too early after 2 failures"]);
    let lost = |lasted: u64| {
        let node = failed(failed(Node::new())).at(10).meets(1).at(10 + lasted);
        let node = node.told(Input::Closed { conn: ConnId(1), reason: String::new(), by_us: false }).said(
            Event::Disconnected { ip: ip(1), direction: Direction::Inbound, by_us: false, reason: String::new() },
        );
        dial(node.at(12 + lasted).told(Input::Tick)).broken().len()
    };
    assert_eq!([lost(29), lost(30)], [1, 0], "a good connection");
}

#[test]
fn slots_and_the_blacklist_are_kept() {
    let small = || Node::with("max_connections = 3\nreserved_masternode_slots = 2\nblacklisted_peers = [\"10.0.0.4\"]");
    assert_eq!(small().meets(9).meets(1).meets(2).broken(), [""; 0]);
    assert_eq!(small().meets(8).meets(9).broken(), ["has a slot for 10.0.0.9"]);
    assert_eq!(small().meets(1).meets(2).meets(9).meets(3).broken(), ["has a slot for 10.0.0.3"]);
    assert_eq!(small().meets(4).broken(), ["connects 10.0.0.4"]);
    let refused = |node: Node| {
        let (direction, reason) = (Direction::Inbound, "no slot".to_owned());
        node.told(Input::Tick).said(Event::Refused { ip: ip(1), direction, reason }).broken().len()
    };
    assert_eq!(refused(small().meets(8)), 1);
    assert_eq!(refused(small().meets(8).meets(2).meets(3)), 0);
}

#[test]
fn requests_live_their_time_and_fail_for_a_reason() {
    let asked = |last, timeout| Node::new().meets(1).meets(9).asks(last, 1001, 1100, timeout);
    assert_eq!(asked(1, 300).broken(), [""; 0]);
    assert_eq!(asked(9, 120).broken(), [""; 0]);
    assert_eq!(asked(9, 300).broken(), ["gives 10.0.0.9 300.000 s, not 120.000 s"]);
    assert_eq!(
        asked(1, 300).asks(1, 1101, 1200, 300).broken(),
        ["asks 10.0.0.1 for 1101-1200 while 1001-1100 is open"]
    );
    assert_eq!(Node::new().meets(1).asks(1, 1001, 1501, 300).broken().len(), 1, "too wide");
    let waits = |seconds| {
        // What was due at the last input is done by the next.
        let node = asked(9, 120).at(seconds).told(Input::Tick).pings(1, 1).pings(9, 2).told(Input::Tick);
        node.broken.into_iter().filter(|breach| breach.what.starts_with("waits")).count()
    };
    assert_eq!([waits(120), waits(121)], [0, 1]);
    let blocks = |list| Message::BlocksResponse(list);
    assert_eq!(asked(1, 300).hears(1, blocks(vec![])).fails(1, "empty answer", 60).broken(), [""; 0]);
    assert_eq!(asked(1, 300).hears(1, blocks(vec![])).fails(1, "empty answer", 0).broken().len(), 1, "no bench");
    assert_eq!(asked(1, 300).told(Input::Tick).fails(1, "empty answer", 60).broken().len(), 1, "nothing came");
    assert_eq!(asked(1, 300).told(Input::Tick).fails(1, "no answer in time", 60).broken().len(), 1, "in no time");
    assert_eq!(asked(1, 300).told(Input::Tick).fails(1, "short answer", 60).broken().len(), 1);
    let again = |times| {
        let empty = |node: Node, _| node.asks(1, 1001, 1100, 300).hears(1, blocks(vec![])).fails(1, "empty answer", 60);
        (0..times).fold(Node::new().meets(1), empty).broken()
    };
    assert_eq!(again(3), [""; 0]);
    assert_eq!(again(4), ["asks 10.0.0.1 for 1001-1100, 4 times by now"]);
}

#[test]
fn a_search_is_as_deep_and_as_long_as_the_text_says() {
    let round = |node: Node, last, lowest: u64| {
        [999, 998, 996, lowest]
            .into_iter()
            .fold(node.told(Input::Tick), |node, height| node.sends(last, Message::GetBlockHash(height)))
    };
    let rounds = |last, times| (0..times).fold(Node::new().meets(last), |node, _| round(node, last, 1)).broken();
    assert_eq!(rounds(1, 10), [""; 0]);
    assert_eq!(rounds(1, 11), ["asks 10.0.0.1 11 times without an answer"]);
    assert_eq!(rounds(9, 3), [""; 0]);
    assert_eq!(rounds(9, 4).len(), 1);
    // With another chain the search begins anew (seed 12094 of `lockstep explore`).
    let once = (0..2).fold(Node::new().meets(9), |node, _| round(node, 9, 1));
    let (old_tip, new_tip) = (Hash([1; 32]), Hash([2; 32]));
    let reorg = Event::Reorg { old_height: 1000, old_tip, new_height: 1000, new_tip, ancestor: 990 };
    assert_eq!((0..3).fold(once.said(reorg), |node, _| round(node, 9, 1)).broken(), [""; 0]);
    let given_up = |seconds| {
        let node = round(Node::new().meets(1), 1, 1)
            .said(Event::ForkGaveUp { ip: ip(1), reason: "10 attempts failed".into() });
        round(node.at(seconds), 1, 1).broken.into_iter().filter(|breach| breach.what.starts_with("search")).count()
    };
    assert_eq!([given_up(599), given_up(600)], [1, 0]);
}

#[test]
fn who_is_far_ahead_needs_the_vote() {
    let fork = |last, tip: u64, others: &[u64]| {
        let node = others
            .iter()
            .zip(1..)
            .fold(Node::new().meets(last), |node, (other, n)| node.meets(n).hears(n, height(*other)));
        let (ours, theirs) = (Hash([1; 32]), Hash([2; 32]));
        node.hears(last, height(tip)).said(Event::ForkDetected { ip: ip(last), height: 1000, ours, theirs }).broken()
    };
    assert_eq!(fork(9, 1050, &[1000, 1000]), [""; 0]);
    assert_eq!(fork(9, 1051, &[1000, 1000]), ["follows 10.0.0.9 at 1051 from 1000 without a vote"]);
    assert_eq!(fork(9, 1051, &[1000, 1041]), [""; 0]);
    assert_eq!(fork(4, 1051, &[1000, 1000]), [""; 0], "trusted");
    let off = |agree, total| {
        let node =
            Node::new().meets(1).hears(1, height(1000)).meets(2).hears(2, height(1000)).meets(9).hears(9, height(1051));
        node.said(Event::OffConsensus { ip: ip(9), agree, total, tip: 1051 }).broken().len()
    };
    assert_eq!([off(1, 3), off(2, 3), off(1, 2)], [0, 1, 1]);
}

#[test]
fn bans_are_for_offences() {
    let banned = |last, pings: u64, within: u64| {
        let ping = |nonce| Message::Ping { nonce, timestamp: 0, height: None };
        let node = (0..pings).fold(Node::new().meets(last), |node, n| {
            node.at(n * within / pings)
                .hears(last, ping(n))
                .sends(last, Message::Pong { nonce: n, timestamp: 0, height: Some(1000) })
        });
        let reason = "too many messages (Ping)".to_owned();
        node.said(Event::Banned { ip: ip(last), lasts: None, reason }).broken().len()
    };
    assert_eq!(banned(9, 21, 9), 0);
    assert_eq!(banned(9, 20, 9), 1);
    assert_eq!(banned(9, 21, 22), 1);
    assert_eq!(banned(1, 21, 9), 1, "whitelisted");
}

#[test]
fn a_rule_is_said_once() {
    let twice = Node::new().checks(Some(1)).checks(Some(2));
    assert_eq!(twice.broken().len(), 1);
}
