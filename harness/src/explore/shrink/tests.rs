//! Judges whose answers are known, and one real defect.
use std::collections::BTreeSet;

use super::*;
use crate::run::{Backend, Variation};
use crate::scenario::resolved::{Act, Fault};

const NETWORK: &str = "
title: x
why: y
requirements: [MNS-SU-01]
runs_for: 20m
tick: 50ms
chains:
  f: {fork_of: main@4700}
nodes:
  m: {count: 6, chain: main@4805, masternode: true, whitelists: [masternodes], config: {sync: {sync_threshold: 6}}}
  late: {chain: f@4720, whitelists: [masternodes], starts_at: 17.3s, disk: 5ms}
peers:
  p: {count: 3, chain: main@4805, dials: [m1], redials: 5s, deviations: [no_heights, {delayed_answers: 3s}]}
links: [{between: [m1], and: [others], is: {loss: 1%, jitter: 20ms}}]
produce: {by: [m1, m2], every: 10s}
timeline:
- {at: 33.7s, do: {kill: {who: [m2, m4], for: 12.5s}}}
- {at: 100s, every: 30s, times: 7, do: {cut: {between: [m3, m5], and: [others], for: 17s}}}
- {at: 400s, do: {cut: {between: [minority], and: [others], for: 90s}}}
- {at: 500s, do: {tell: {peers: [p], height: 9000}}}
expect:
- converge: {who: [nodes], on: tips, within: 120s}
- never: {see: {on: m4, log: banned}, from: 10s}
- count: {seen: {see: {on: nodes, log: produced}, from: 310s}, at_least: 10}
invariants: {near_median: {blocks: 10, after: 120s}}
";

fn fails(claim: Claim) -> Option<Fingerprint> {
    let requirements = BTreeSet::from(["MNS-SU-01".to_owned()]);
    Some(Fingerprint { check: "node converge on one tip".into(), symptom: "late".into(), claim, requirements })
}

fn task<'a>(text: &'a str, guard: Guard) -> Task<'a> {
    let budget = Budget { tries: 2_000, time: Duration::from_secs(60) };
    Task { name: "x", text, seed: 3, guard, budget }
}

/// Shrinks by a judge that is asked whether a scenario fails; twice, since nothing may be left to do the second time.
fn shrunk(guard: Guard, claim: Claim, is_bad: fn(&Scenario) -> bool) -> Shrunk {
    let mut judge = |scenario: &Scenario| fails(claim).filter(|_| is_bad(scenario));
    let once = shrink(&task(NETWORK, guard), &mut judge).unwrap();
    assert!(once.smallest);
    assert!(is_bad(&Scenario::parse("x", &once.text).unwrap()));
    let twice = shrink(&task(&once.text, guard), &mut judge).unwrap();
    assert_eq!(twice.text, once.text);
    assert_eq!(twice.accepted, 0);
    once
}

fn is_cut(scenario: &Scenario, node: &str) -> bool {
    scenario.timeline(3).iter().any(|step| match &step.act {
        Act::Fault { fault: Fault::Cut(pairs), .. } => pairs.iter().any(|(from, _)| from == node),
        _ => false,
    })
}

/// Whoever was the third of a group is another one where it has fewer members: the third of those that are left.
fn third_is_cut_above_100(scenario: &Scenario) -> bool {
    is_cut(scenario, "m3") && scenario.chains["main"].height > 100
}

#[test]
fn what_does_not_matter_goes() {
    let small = shrunk(Guard::Rules, Claim::General, third_is_cut_above_100);
    assert_eq!(
        small.text,
        "title: x
why: y
requirements: [MNS-SU-01]
runs_for: 122s

nodes:
  m: {count: 3, chain: main@200, masternode: true, whitelists: [masternodes]}

timeline:
  - {at: 1s, do: {cut: {between: [m3], and: [others], for: 1s}}}

expect:
  - {converge: {who: [nodes], on: tips, within: 120s}}
"
    );
    assert_eq!((small.from.nodes, small.to.nodes), (7, 3));
    assert!(small.tries < 150, "{} tries", small.tries);
}

#[test]
fn a_claim_about_these_parties_keeps_them() {
    let small = shrunk(Guard::Rules, Claim::Excess, |scenario| is_cut(scenario, "m3"));
    assert_eq!((small.to.nodes, small.to.peers, small.to.blocks), (7, 3, small.from.blocks));
    assert!(small.text.contains("tell") && small.text.contains("produce") && small.text.contains("sync_threshold"));
    assert!(!small.text.contains("kill") && !small.text.contains("links"), "{}", small.text);
    let small = shrunk(Guard::Rules, Claim::Lack, |_| true);
    assert_eq!((small.to.steps, small.to.expectations), (small.from.steps, 1));
    let small = shrunk(Guard::Judge, Claim::Lack, third_is_cut_above_100);
    assert_eq!((small.to.nodes, small.to.steps), (3, 1));
}

#[test]
fn nodes_that_must_reach_each_other_still_do() {
    let hub = NETWORK.replace(
        "m: {count: 6",
        "a: {chain: main@4805, dials: [m1]}\n  b: {chain: main@4805, dials: [m1]}\n  m: {count: 6",
    );
    let mut judge = |scenario: &Scenario| {
        fails(Claim::General).filter(|_| scenario.nodes.contains_key("a") && scenario.nodes.contains_key("b"))
    };
    let small = shrink(&task(&hub, Guard::Rules), &mut judge).unwrap();
    assert_eq!(small.to.nodes, 3, "{}", small.text);
    let small = shrink(&task(&hub, Guard::Judge), &mut judge).unwrap();
    assert_eq!(small.to.nodes, 2, "{}", small.text);
}

#[test]
fn who_was_drawn_is_named() {
    let long = |scenario: &Scenario| {
        let mut acts = scenario.timeline(3).into_iter().map(|step| step.act);
        acts.any(|act| matches!(act, Act::Fault { fault: Fault::Cut(pairs), lasts } if lasts.as_secs() > 50 && pairs.len() > 3))
    };
    let small = shrunk(Guard::Rules, Claim::General, long);
    assert!(!small.text.contains("minority") && small.text.contains("for: 90s"), "{}", small.text);
}

#[test]
fn what_can_not_be_shrunk_is_an_error() {
    let mut judge = |_: &Scenario| None;
    let error = |text: &str, judge: Judge<'_>| shrink(&task(text, Guard::Rules), judge).unwrap_err();
    assert!(matches!(error(NETWORK, &mut judge), ShrinkError::Passes));
    assert!(matches!(error("title: [", &mut judge), ShrinkError::Scenario(_)));
    assert!(matches!(error("title: x", &mut judge), ShrinkError::Scenario(_)));
}

#[test]
fn the_search_ends_with_its_budget() {
    let mut asked = 0;
    let budget = Budget { tries: 7, time: Duration::from_secs(60) };
    let task = Task { budget, ..task(NETWORK, Guard::Rules) };
    let small = shrink(&task, &mut |scenario| {
        asked += 1;
        fails(Claim::General).filter(|_| third_is_cut_above_100(scenario))
    });
    let small = small.unwrap();
    assert!(!small.smallest);
    assert_eq!((small.tries, asked), (7, 7));
    assert!(third_is_cut_above_100(&Scenario::parse("x", &small.text).unwrap()));
}

/// Blocks that are made on both sides of a cut; what else happens has no part in it.
const PARTITION: &str = "
title: x
why: y
requirements: [MNS-SU-01]
runs_for: 200s
tick: 50ms
nodes:
  n: {count: 4, chain: main@300, masternode: true, whitelists: [masternodes]}
links: [{is: {jitter: 5ms}}]
produce: {by: [n1, n4], every: 10s}
timeline:
- {at: 15s, do: {kill: {who: [n2], for: 10s}}}
- {at: 20s, do: {pause: {who: [n3], for: 10s}}}
- {at: 40s, do: {cut: {between: [n4], and: [others], for: 40s}}}
expect:
- converge: {who: [nodes], on: tips, within: 60s}
- never: {see: {on: nodes, log: banned}}
";

#[test]
fn a_defect_is_shown_by_two_nodes_and_a_cut() {
    let witness = Witness { seed: 1, mutant: Some("forks_skipped".into()) };
    let simulation = Backend::simulation();
    let task = Task { seed: 1, ..task(PARTITION, Guard::Rules) };
    let small = shrink(&task, &mut |scenario| witness.run(scenario, &simulation).unwrap().failure).unwrap();
    assert!(small.smallest && small.tries < 60, "{small:?}");
    assert_eq!(
        (small.to.nodes, small.to.steps, small.to.expectations, small.to.blocks),
        (2, 1, 1, 10),
        "{}",
        small.text
    );
    let scenario = Scenario::parse("x", &small.text).unwrap();
    assert_eq!(witness.run(&scenario, &simulation).unwrap().failure, Some(small.fingerprint));
    assert!(witness.passes_without(&scenario, &simulation).unwrap(), "{}", small.text);
}

#[test]
fn what_another_backend_finds_is_confirmed() {
    let witness = Witness { seed: 1, mutant: Some("forks_skipped".into()) };
    let want = witness.run(&Scenario::parse("x", PARTITION).unwrap(), &Backend::simulation()).unwrap();
    let other = Backend::Simulation(Variation { jitter: true });
    let budget = Budget { tries: 8, time: Duration::from_secs(60) };
    let task = Task { seed: 1, budget, ..task(PARTITION, witness.guard()) };
    let mut told = (0, 0);
    let small = confirmed(&task, &witness, &want, &other, &mut |_, fails| {
        told = (told.0 + 1, told.1 + u32::from(fails));
    });
    let small = small.unwrap();
    assert_eq!((small.tries, small.accepted + 1), told);
    let seen = witness.run(&Scenario::parse("x", &small.text).unwrap(), &Backend::simulation()).unwrap();
    assert_eq!(seen.failure, want.failure);
}
