use super::*;
use crate::history::build::{Build, history};

fn ends(history: &History) -> Vec<(u128, End)> {
    let requests = requests(history).into_iter();
    requests.map(|request| (request.until.as_millis(), request.ended)).collect()
}

fn asked() -> Build {
    history().at(1_000).log("a", "requested", "ip=10.0.0.11 start=1 end=500 timeout=300").log(
        "a",
        "requested",
        "ip=10.0.0.12 start=501 end=600 timeout=120",
    )
}

#[test]
fn a_logged_request_ends_by_answer_failure_reorg_close_or_time() {
    assert_eq!(ends(&asked().done()), [(301_000, End::Time), (121_000, End::Time)]);
    let answered = asked().at(2_000).log("a", "received", "ip=10.0.0.11 start=1 end=100 count=100");
    assert_eq!(ends(&answered.done())[0], (2_000, End::Answered));
    let other = asked().at(2_000).log("a", "received", "ip=10.0.0.11 start=700 end=800 count=100");
    assert_eq!(ends(&other.done())[0], (301_000, End::Time));
    let failed = asked().at(3_000).log("a", "request_failed", "ip=10.0.0.11 start=1 end=500");
    assert_eq!(ends(&failed.done()), [(3_000, End::Failed), (121_000, End::Time)]);
    let reorg = asked().at(4_000).log("a", "reorg", "ancestor=500");
    assert_eq!(ends(&reorg.done()), [(301_000, End::Time), (4_000, End::Failed)]);
    let closed = asked().at(5_000).connection("a", "closed_by_peer", "10.0.0.12");
    assert_eq!(ends(&closed.done()), [(301_000, End::Time), (5_000, End::Closed)]);
    let killed = asked().at(5_000).connection("a", "killed", "10.0.0.12");
    assert_eq!(ends(&killed.done())[1], (5_000, End::Closed));
    let sent = asked().at(5_000).wire("m", "a", true, "BlocksResponse", "start=1 end=500 count=500").done();
    assert_eq!(ends(&sent)[0].1, End::Time, "not arrived, as far as is known");
    let sent: Vec<_> = requests(&sent).into_iter().map(|request| request.sent).collect();
    assert_eq!(sent, [Some(Duration::from_secs(5)), None]);
    let down = asked().at(6_000).process("a", false);
    assert_eq!(ends(&down.done()), [(6_000, End::Closed), (6_000, End::Closed)]);
}

#[test]
fn a_request_at_the_wire_ends_by_any_answer() {
    let asked = || {
        history()
            .wire("m", "a", false, "GetBlocks", "start=1 end=500")
            .wire("m", "a", false, "GetBlockRange", "start=501 end=600")
            .at(2_000)
    };
    let second = asked().wire("m", "a", true, "BlocksResponse", "start=501 end=510 count=10");
    assert_eq!(ends(&second.done()), [(120_000, End::Time), (2_000, End::Answered)]);
    let empty = asked().wire("m", "a", true, "BlocksResponse", "count=0");
    assert_eq!(ends(&empty.done()), [(2_000, End::Answered), (120_000, End::Time)]);
    let elsewhere = asked().wire("m", "b", true, "BlocksResponse", "count=0");
    assert_eq!(ends(&elsewhere.done())[0].1, End::Time);
    let request = asked().wire("m", "a", true, "GetBlocks", "start=1 end=2").done();
    let requests = requests(&request);
    assert_eq!(requests.len(), 2, "what the peer asks is not the node's request");
    assert_eq!((requests[0].by, requests[0].node, &*requests[0].peer), (By::Wire, "a", "10.0.0.11"));
}

#[test]
fn a_line_without_a_range_is_no_request() {
    let history =
        history().log("a", "requested", "ip=10.0.0.11 start=1").log("a", "requested", "start=1 end=5").ended();
    assert!(requests(&history).is_empty());
}
