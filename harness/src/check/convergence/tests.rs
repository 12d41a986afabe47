use super::*;
use crate::check::Verdict::{self, Fail, Inconclusive, Pass};
use crate::history::build::{Build, history};

fn ask(on: Agreement, within: u64, produces: bool, history: &History) -> (Verdict, Option<u128>) {
    let who = ["a".into(), "b".into()];
    let question = Question { who: &who, on, within: Duration::from_secs(within), after: None, produces };
    let (outcome, took) = judge(&question, history);
    (outcome.verdict, took.map(|took| took.as_millis()))
}

/// a at 100, b at 90, a fault from 10 s to 20 s.
fn apart() -> Build {
    history()
        .chain("a", 100, 100, "x100")
        .chain("b", 90, 90, "x90")
        .at(10_000)
        .fault_began(0, "cut a | b")
        .at(20_000)
        .fault_ended(0, Some("a segment"), true)
}

#[test]
fn time_counts_from_healing_to_agreement_for_good() {
    let met = apart().at(31_500).chain("b", 90, 100, "x100").at(100_000).ended();
    assert_eq!(ask(Agreement::Tips, 12, false, &met), (Pass, Some(11_500)));
    assert_eq!(ask(Agreement::Tips, 11, false, &met), (Fail, Some(11_500)));
    let parted = apart()
        .at(25_000)
        .chain("b", 90, 100, "x100")
        .at(26_000)
        .chain("b", 90, 101, "y101")
        .at(40_000)
        .chain("b", 90, 100, "x100")
        .at(100_000)
        .ended();
    assert_eq!(ask(Agreement::Tips, 20, false, &parted), (Pass, Some(20_000)));
    let never = apart().at(100_000).ended();
    assert_eq!(ask(Agreement::Tips, 20, false, &never), (Fail, None));
}

#[test]
fn agreement_before_healing_takes_no_time() {
    let same = history().chain("a", 9, 9, "x").chain("b", 9, 9, "x").at(50_000).ended();
    assert_eq!(ask(Agreement::Tips, 1, false, &same), (Pass, Some(0)));
}

#[test]
fn heights_are_compared() {
    let close = apart().at(30_000).chain("b", 90, 97, "x97").at(100_000).ended();
    assert_eq!(ask(Agreement::HeightsWithin(3), 10, false, &close), (Pass, Some(10_000)));
    assert_eq!(ask(Agreement::HeightsWithin(2), 10, false, &close), (Fail, None));
    assert_eq!(ask(Agreement::HeightAtLeast(97), 10, false, &close), (Pass, Some(10_000)));
    assert_eq!(ask(Agreement::HeightAtLeast(98), 10, false, &close), (Fail, None));
}

#[test]
fn a_node_that_is_down_does_not_agree() {
    let met = || apart().at(30_000).chain("b", 90, 100, "x100");
    let down = met().at(40_000).process("b", false).at(100_000).ended();
    assert_eq!(ask(Agreement::Tips, 20, false, &down), (Fail, None));
    let back = met().process("b", false).at(41_000).process("b", true).at(100_000).ended();
    assert_eq!(ask(Agreement::Tips, 30, false, &back), (Pass, Some(21_000)));
}

#[test]
fn what_is_not_known_is_inconclusive() {
    assert_eq!(ask(Agreement::Tips, 20, false, &apart().done()), (Inconclusive, None));
    let early = apart().at(30_000).ended();
    assert_eq!(ask(Agreement::Tips, 20, false, &early), (Inconclusive, None));
    let unseen = history().chain("a", 9, 9, "x").at(50_000).ended();
    assert_eq!(ask(Agreement::Tips, 20, false, &unseen), (Inconclusive, None));
    let unhealed = apart().fault_began(1, "pause b").at(100_000).ended();
    assert_eq!(ask(Agreement::Tips, 20, false, &unhealed), (Inconclusive, None));
}

/// After healing a makes a block each 10 s from 30 s on; b follows after `lags` seconds.
fn making(lags: &[u64]) -> History {
    let mut build = history()
        .chain("a", 100, 100, "x100")
        .chain("b", 100, 100, "x100")
        .at(10_000)
        .fault_began(0, "cut a | b")
        .at(20_000)
        .fault_ended(0, Some("a segment"), true);
    for (height, lag) in (101..).zip(lags) {
        let made = 30_000 + (height - 101) * 10_000;
        let tip = format!("p{height}");
        build = build.at(made).chain("a", height - 1, height, &tip).at(made + lag * 1_000).chain(
            "b",
            height - 1,
            height,
            &tip,
        );
    }
    build.at(300_000).ended()
}

#[test]
fn where_blocks_are_made_agreement_needs_a_new_one_and_may_wait_for_it_to_spread() {
    assert_eq!(ask(Agreement::Tips, 120, true, &making(&[2, 3, 1])), (Pass, Some(12_000)));
    assert_eq!(ask(Agreement::Tips, 11, true, &making(&[2, 3, 1])), (Fail, Some(12_000)));
    assert_eq!(ask(Agreement::Tips, 120, true, &making(&[])), (Inconclusive, None));
    // The last block took longer than a block may: agreement begins with it.
    assert_eq!(ask(Agreement::Tips, 120, true, &making(&[2, 61])), (Pass, Some(81_000)));
    assert_eq!(ask(Agreement::Tips, 50, true, &making(&[2, 51])), (Fail, Some(71_000)));
    // Strictly, it would begin with the last block.
    assert_eq!(ask(Agreement::Tips, 120, false, &making(&[2, 3, 1])), (Pass, Some(31_000)));
}

#[test]
fn a_tip_that_not_all_come_to_have_is_no_agreement() {
    let split = apart().at(30_000).chain("a", 100, 101, "p101").chain("b", 90, 101, "q101").at(300_000).ended();
    assert_eq!(ask(Agreement::Tips, 120, true, &split), (Fail, None));
}

/// The highest chain of all may lose: what is made then stays below it for long.
#[test]
fn a_block_that_a_node_says_it_made_is_new_at_any_height() {
    let low = |said: bool| {
        let build = apart().at(30_000).chain("a", 50, 80, "y80").chain("b", 50, 80, "y80").at(40_000);
        let build = if said { build.log("a", "produced", "hash=y81") } else { build };
        build.chain("a", 80, 81, "y81").chain("b", 80, 81, "y81").at(100_000).ended()
    };
    assert_eq!(ask(Agreement::Tips, 30, true, &low(true)), (Pass, Some(20_000)));
    assert_eq!(ask(Agreement::Tips, 30, true, &low(false)), (Inconclusive, None));
}
