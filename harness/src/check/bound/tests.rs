use super::*;
use crate::check::Verdict::{self, Fail, Inconclusive, Pass};
use crate::check::pattern::tests::pattern;
use crate::history::build::{Build, history};

/// `x` on node a, from and until in seconds.
fn window(from: Option<u64>, until: Option<u64>) -> Window {
    Window {
        see: pattern("a", "log x", ""),
        from: from.map(Duration::from_secs),
        until: until.map(Duration::from_secs),
    }
}

const ALL: [Option<u64>; 2] = [None, None];

/// A log line `started` at 0 and `x` at these seconds.
fn xs(seconds: &[u64]) -> Build {
    let start = history().log("a", "started", "");
    seconds.iter().fold(start, |build, at| build.at(at * 1_000).log("a", "x", ""))
}

fn run(seconds: &[u64]) -> History {
    xs(seconds).at(100_000).ended()
}

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// Ends at 100 s, but node a has no log.
fn unseen() -> History {
    history().process("a", true).at(100_000).ended()
}

#[test]
fn never_means_not_in_the_window() {
    let judge = |window: &Window, history: &History| never(window, history).verdict;
    assert_eq!(judge(&window(Some(10), Some(20)), &run(&[9, 20])), Pass);
    assert_eq!(judge(&window(Some(10), Some(20)), &run(&[10])), Fail);
    assert_eq!(judge(&window(None, None), &run(&[100])), Fail, "the last instant counts");
    assert_eq!(judge(&window(None, None), &unseen()), Inconclusive);
    assert_eq!(judge(&window(None, None), &xs(&[]).done()), Inconclusive);
    assert_eq!(judge(&window(None, Some(101)), &run(&[])), Inconclusive);
    assert_eq!(judge(&window(None, None), &xs(&[5]).done()), Fail);
    let outcome = never(&window(None, None), &run(&[5, 6]));
    assert_eq!(outcome.actual, "seen 2 times, first at 5.000 s");
    assert_eq!(outcome.nearest.unwrap(), "5.000 s  a  INFO x: x");
}

#[test]
fn counts_have_two_limits() {
    let judge = |least, most, history: &History| count(&window(None, Some(50)), least, most, history).verdict;
    let three = run(&[1, 2, 3, 60]);
    assert_eq!(judge(3, Some(3), &three), Pass);
    assert_eq!(judge(4, None, &three), Fail);
    assert_eq!(judge(0, Some(2), &three), Fail);
    assert_eq!(judge(3, None, &xs(&[1, 2, 3]).done()), Pass);
    assert_eq!(judge(4, None, &xs(&[1, 2, 3]).done()), Inconclusive);
    assert_eq!(judge(0, Some(3), &xs(&[1, 2, 3]).done()), Inconclusive);
    assert_eq!(judge(1, None, &unseen()), Inconclusive);
    assert_eq!(judge(0, Some(1), &unseen()), Inconclusive);
    let over = count(&window(None, None), 0, Some(2), &three);
    assert_eq!(over.at, Some(secs(3)), "the first one too many");
}

#[test]
fn rates_slide() {
    let judge = |most, history: &History| rate(&window(None, None), secs(30), most, &[], history).verdict;
    assert_eq!(judge(1, &run(&[0, 30, 60])), Pass);
    assert_eq!(judge(1, &run(&[0, 29])), Fail);
    assert_eq!(judge(2, &run(&[5, 29, 34, 40])), Fail);
    assert_eq!(judge(3, &run(&[5, 29, 34, 40])), Pass);
    assert_eq!(judge(1, &unseen()), Inconclusive);
    assert_eq!(judge(1, &xs(&[5]).at(20_000).ended()), Inconclusive, "shorter than 30 s");
    assert_eq!(judge(1, &xs(&[5, 40, 60]).done()), Fail);
    assert_eq!(judge(1, &xs(&[5, 40, 80]).done()), Inconclusive);
}

#[test]
fn rates_are_counted_apart_for_each_value_and_each_party() {
    let asked = || {
        history()
            .wire("m", "a", false, "GetBlocks", "start=1 end=5")
            .wire("n", "a", false, "GetBlocks", "start=1 end=5")
            .wire("m", "a", false, "GetBlocks", "start=1 end=6")
            .at(29_000)
            .wire("m", "a", false, "GetBlockRange", "start=1 end=5")
            .at(60_000)
    };
    let window = Window { see: pattern("m n", "wire blocks_asked", ""), from: None, until: None };
    let judge = |most, each: &[&str], history: &History| {
        let each: Vec<String> = each.iter().map(ToString::to_string).collect();
        rate(&window, secs(30), most, &each, history).verdict
    };
    assert_eq!(judge(4, &[], &asked().ended()), Pass);
    assert_eq!(judge(3, &[], &asked().ended()), Fail);
    assert_eq!(judge(3, &["start"], &asked().ended()), Pass);
    assert_eq!(judge(2, &["start"], &asked().ended()), Fail);
    assert_eq!(judge(2, &["start", "end"], &asked().ended()), Pass);
    assert_eq!(judge(1, &["start", "end"], &asked().ended()), Fail);
}

fn gap(limits: [Option<u64>; 2], are: &[u64], [from, until]: [Option<u64>; 2], history: &History) -> Verdict {
    let [least, most] = limits.map(|limit| limit.map(secs));
    let are: Vec<Duration> = are.iter().copied().map(secs).collect();
    gaps(&window(from, until), least, most, &are, history).verdict
}

#[test]
fn gaps_have_limits() {
    let pings = run(&[10, 40, 70, 99]);
    assert_eq!(gap([Some(27), Some(33)], &[], ALL, &pings), Pass);
    assert_eq!(gap([Some(30), None], &[], ALL, &pings), Fail);
    assert_eq!(gap([None, Some(29)], &[], ALL, &pings), Fail);
    let stopped = run(&[10, 40]);
    assert_eq!(gap([None, Some(33)], &[], ALL, &stopped), Fail, "no ping for 60 s");
    assert_eq!(gap([None, Some(33)], &[], [None, Some(70)], &stopped), Pass);
    assert_eq!(gap([Some(1), None], &[], ALL, &run(&[10])), Inconclusive);
    assert_eq!(gap([Some(1), None], &[], ALL, &unseen()), Inconclusive);
    assert_eq!(gap([None, Some(33)], &[], ALL, &xs(&[10, 40]).done()), Inconclusive);
}

#[test]
fn back_off_gaps_are_within_a_quarter() {
    let dials = run(&[10, 12, 17, 24, 90]);
    assert_eq!(gap(ALL, &[2, 4, 8], ALL, &dials), Pass, "the first gaps only");
    assert_eq!(gap(ALL, &[2, 4, 9], ALL, &dials), Pass);
    assert_eq!(gap(ALL, &[2, 4, 10], ALL, &dials), Fail);
    assert_eq!(gap(ALL, &[2, 4, 8, 16], ALL, &dials), Fail);
    assert_eq!(gap(ALL, &[2, 4, 8], ALL, &run(&[10, 12])), Fail, "too few");
    assert_eq!(gap(ALL, &[2, 4], ALL, &xs(&[10, 12]).done()), Inconclusive);
    assert_eq!(gap(ALL, &[2], ALL, &unseen()), Inconclusive);
}
