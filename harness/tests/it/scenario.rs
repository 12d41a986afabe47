//! What a scenario file comes to.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use harness::scenario::expectation::{Condition, Expect, PatternKind};
use harness::scenario::resolved::{Act, At, Direction, Fault, Step};
use harness::scenario::{Scenario, find};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A scenario with these lines beside the ones that must be there.
fn parse(lines: &str) -> Scenario {
    parse_named("test", lines)
}

fn parse_named(name: &str, lines: &str) -> Scenario {
    let expect = if lines.contains("expect:") { "" } else { "expect:\n  - reorgs: {who: [nodes], at_most: 0}\n" };
    let text = format!("title: A test\nwhy: It is one\nruns_for: 10m\n{lines}\n{expect}");
    Scenario::parse(name, &text).unwrap_or_else(|error| panic!("{error}"))
}

fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn only_fault(steps: &[Step]) -> &Fault {
    match &steps[0].act {
        Act::Fault { fault, .. } => fault,
        Act::Direct { .. } => panic!("no fault"),
    }
}

#[test]
fn groups_unfold_and_get_addresses_in_order_of_name() {
    let scenario = parse(
        "nodes: {b: {}, m: {count: 2, masternode: true, whitelists: [m, b]}, z: {ip: 10.0.0.2}}\npeers: {a: {chain: main@7}}",
    );
    let ips: BTreeMap<_, _> = scenario.nodes.iter().map(|(name, node)| (name.as_str(), node.ip)).collect();
    // 10.0.0.2 is taken by the one that asked for it.
    assert_eq!(ips, BTreeMap::from([("b", ip(1)), ("m1", ip(3)), ("m2", ip(4)), ("z", ip(2))]));
    assert_eq!(scenario.peers["a"].ip, ip(5));
    assert_eq!(scenario.nodes["m1"].whitelists, [ip(4), ip(1)], "all but itself");
    assert_eq!(scenario.nodes["b"].chain, At { chain: "main".into(), height: 0 });
    assert_eq!(scenario.chains["main"].height, 7);
    assert_eq!(scenario.tick, Duration::from_millis(10));
}

#[test]
fn words_stand_for_parties() {
    let scenario = parse(
        "nodes: {a: {whitelists: [masternodes], dials: [peers], blacklists: [all]}, m: {masternode: true}}\n\
         peers: {p: {count: 2, chain: main@1, dials: [all]}}",
    );
    let a = &scenario.nodes["a"];
    assert_eq!((a.whitelists.clone(), a.dials.clone()), (vec![ip(2)], vec![ip(3), ip(4)]));
    assert_eq!(a.blacklists, [ip(2), ip(3), ip(4)]);
    assert_eq!(scenario.peers["p1"].dials, names(&["a", "m"]), "a peer dials nodes only");
}

#[test]
fn chains_are_built_as_high_as_they_are_used() {
    let scenario = parse(
        "chains: {b: {fork_of: main@2990, lower_than: main@3000}, c: {fork_of: b@2995}}\n\
         nodes: {a: {chain: main@2995}, c: {chain: b@3000}}\n\
         peers: {p: {chain: c@2999}}\n\
         timeline: [{at: 5s, do: {move: {peers: [p], chain: c@3005}}}]\n\
         expect: [{tip: {who: [a], is: b@3000, by: 60s}}]",
    );
    let chain = |name: &str| (scenario.chains[name].fork_of.clone(), scenario.chains[name].height);
    assert_eq!(chain("main"), (None, 3000));
    assert_eq!(chain("b"), (Some(At { chain: "main".into(), height: 2990 }), 3000));
    assert_eq!(chain("c"), (Some(At { chain: "b".into(), height: 2995 }), 3005));
}

#[test]
fn producers_take_turns() {
    let scenario = parse("nodes: {a: {}, m: {count: 2}}\nproduce: {by: [m2, m], every: 10s}");
    let turns: Vec<_> = scenario.nodes.iter().map(|(name, node)| (name.as_str(), node.producer)).collect();
    assert_eq!(turns, [("a", None), ("m1", Some((1, 2))), ("m2", Some((0, 2)))]);
    assert_eq!(scenario.produce_every, Some(Duration::from_secs(10)));
}

#[test]
fn settings_become_toml() {
    let scenario = parse(
        "nodes: {a: {config: {sync: {leader_rule: false, batch: 50, share: 0.5, low: -3}, network: {list: [x, 'a\"\\b'], no: 'off'}}}}",
    );
    let config = &scenario.nodes["a"].config;
    let sync: Vec<_> = config["sync"].iter().map(|(key, value)| format!("{key} = {value}")).collect();
    assert_eq!(sync, ["batch = 50", "leader_rule = false", "low = -3", "share = 0.5"]);
    assert_eq!(config["network"]["list"], r#"["x", "a\"\\b"]"#);
    assert_eq!(config["network"]["no"], r#""off""#);
}

#[test]
fn links_are_listed_both_ways() {
    let scenario =
        parse("nodes: {a: {}, b: {}, c: {}}\nlinks: [{between: [a], and: [others], is: {loss: 5%, rate: 20kB/s}}]");
    let sides: Vec<_> = scenario.links.iter().map(|link| (link.from.clone(), link.to.clone())).collect();
    assert_eq!(sides, [(names(&["a"]), names(&["b", "c"])), (names(&["b", "c"]), names(&["a"]))]);
    assert_eq!(scenario.links[0].shape.loss.map(|loss| loss.0), Some(0.05));
    assert_eq!(scenario.links[0].shape.rate.map(|rate| rate.0), Some(20_000));
}

#[test]
fn steps_unfold_in_order_of_time_then_of_the_file() {
    let scenario = parse(
        "nodes: {a: {}}\npeers: {p: {chain: main@5}}\ntimeline:\n\
         \x20 - {at: 20s, every: 10s, times: 3, do: {kill: {who: [a], for: 2s}}}\n\
         \x20 - {at: 30s, do: {tell: {peers: [p], height: 9}}}\n\
         \x20 - {at: 5s, do: {disconnect: {peers: [p]}}}",
    );
    let steps = scenario.timeline(1);
    let shown: Vec<_> = steps.iter().map(|step| (step.id, step.at.as_secs(), step.act.to_string())).collect();
    let kill = "kill a, for 2s".to_owned();
    let disconnect = "p closes its connections".to_owned();
    assert_eq!(
        shown,
        [
            (0, 5, disconnect),
            (1, 20, kill.clone()),
            (2, 30, kill.clone()),
            (3, 30, "p tells height 9".into()),
            (4, 40, kill)
        ]
    );
    assert!(matches!(&steps[3].act, Act::Direct { direction: Direction::Tell(Some(9)), .. }));
    assert_eq!(scenario.healed_at(), Duration::from_secs(42));
}

#[test]
fn a_minority_is_drawn_once_and_is_less_than_half() {
    let lines = "nodes: {n: {count: 5}}\npeers: {p: {chain: main@5}}\ntimeline:\n\
        \x20 - {at: 10s, do: {pause: {who: [minority], for: 5s}}}\n\
        \x20 - {at: 20s, do: {kill: {who: [majority], for: 5s}}}\n\
        \x20 - {at: 30s, do: {cut: {between: [minority], and: [others], for: 5s}}}\n\
        \x20 - {at: 40s, do: {cut_one_way: {between: [majority], and: [others], for: 5s}}}";
    let scenario = parse(lines);
    let mut sizes = BTreeSet::new();
    for seed in 0..50 {
        let steps = scenario.timeline(seed);
        let faults: Vec<_> = steps.chunks(1).map(only_fault).collect();
        let (Fault::Pause(minority), Fault::Kill(majority)) = (faults[0], faults[1]) else { panic!("{faults:?}") };
        sizes.insert(minority.len());
        let all: BTreeSet<_> = minority.iter().chain(majority).cloned().collect();
        assert_eq!((all.len(), minority.len() + majority.len()), (5, 5), "the two parts are all nodes");
        let (Fault::Cut(cut), Fault::Cut(one_way)) = (faults[2], faults[3]) else { panic!("{faults:?}") };
        assert_eq!(cut.len(), 2 * minority.len() * (majority.len() + 1), "from the others and the peer, both ways");
        assert!(one_way.iter().all(|(from, to)| majority.contains(from) && !majority.contains(to)));
        assert_eq!(format!("{:?}", scenario.timeline(seed)), format!("{steps:?}"), "the same seed, the same draw");
    }
    assert_eq!(sizes, BTreeSet::from([1, 2]));
    let draws = |scenario: &Scenario| (0..50).map(|seed| format!("{:?}", scenario.timeline(seed))).collect::<Vec<_>>();
    assert_ne!(draws(&scenario), draws(&parse_named("another", lines)), "each scenario draws for itself");
}

#[test]
fn faults_that_only_touch_or_differ_do_not_contradict() {
    let scenario = parse(
        "nodes: {n: {count: 5}}\ntimeline:\n\
         \x20 - {at: 10s, do: {kill: {who: [n1], for: 10s}}}\n\
         \x20 - {at: 20s, do: {pause: {who: [n1], for: 10s}}}\n\
         \x20 - {at: 20s, do: {kill: {who: [n2], for: 10s}}}\n\
         \x20 - {at: 21s, do: {skew: {who: [n1, n2], offset: -1h, for: 10s}}}\n\
         \x20 - {at: 22s, do: {cut: {between: [n1], and: [n2], for: 10s}}}\n\
         \x20 - {at: 22s, do: {cut: {between: [n1], and: [others], for: 5s}}}\n\
         \x20 - {at: 23s, do: {link: {between: [n1], and: [n2], is: {latency: 1s}, for: 10s}}}\n\
         \x20 - {at: 23s, do: {link: {between: [n1], and: [n2], is: {loss: 5%}, for: 10s}}}\n\
         \x20 - {at: 50s, do: {pause: {who: [minority], for: 5s}}}\n\
         \x20 - {at: 51s, do: {kill: {who: [majority], for: 5s}}}",
    );
    assert_eq!(scenario.timeline(0).len(), 10);
}

#[test]
fn patterns_are_looked_up() {
    let scenario = parse(
        "nodes: {a: {}, m: {count: 2}}\npeers: {p: {chain: main@5}}\nexpect:\n\
         \x20 - never: {see: {on: m, log: requested, where: {ip: m2, start: 5, end: '<= 1110', count: '>=3', hedge: '!= x'}}}\n\
         \x20 - never: {see: {on: p, wire: blocks_asked, where: {node: a, end: 18446744073709551615}}}",
    );
    let patterns: Vec<_> = scenario
        .expect
        .iter()
        .map(|check| match &check.what {
            Expect::Never(window) => &window.see,
            other => panic!("{other:?}"),
        })
        .collect();
    let is = |text: &str| Condition::Is(text.into());
    assert_eq!(patterns[0].on, names(&["m1", "m2"]));
    let fields = [
        ("ip", is("10.0.0.3")),
        ("start", is("5")),
        ("end", Condition::AtMost(1110)),
        ("count", Condition::AtLeast(3)),
        ("hedge", Condition::Not("x".into())),
    ];
    assert_eq!(patterns[0].fields, fields.into_iter().map(|(name, field)| (name.to_owned(), field)).collect());
    assert!(matches!(&patterns[1].kind, PatternKind::Wire(message) if message == "blocks_asked"));
    assert_eq!(patterns[1].fields["node"], is("a"));
    assert_eq!(patterns[1].fields["end"], is("18446744073709551615"));
    assert_eq!(scenario.expect[1].line, 8);
}

#[test]
fn every_shipped_scenario_loads_under_its_name() {
    let files = find(&["../scenarios".into()]).unwrap();
    assert!(!files.is_empty());
    for file in files {
        let scenario = Scenario::load(&file.path, &file.root).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(format!("../scenarios/{}.yaml", scenario.name), file.path.display().to_string());
        assert_eq!(scenario.source, fs::read_to_string(&file.path).unwrap());
    }
}

/// Cut short, with bytes changed, taken out and doubled: an error or a scenario, never a panic.
#[test]
fn damaged_files_never_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut refused = 0;
    for entry in fs::read_dir("../fixtures/bad-scenarios").unwrap() {
        let text = fs::read(entry.unwrap().path()).unwrap();
        for _ in 0..200.min(text.len() * 4) {
            let mut damaged = text.clone();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..damaged.len().max(1));
                match rng.random_range(0..4) {
                    0 => damaged.truncate(at),
                    1 if at < damaged.len() => drop(damaged.remove(at)),
                    2 => damaged.insert(at.min(damaged.len()), b" :-[]{}&*'\"\n\t#@9%\xc3"[rng.random_range(0..18)]),
                    _ => damaged.extend_from_within(at.min(damaged.len())..),
                }
            }
            if let Err(error) = Scenario::parse("damaged", &String::from_utf8_lossy(&damaged)) {
                assert!(error.to_string().starts_with("error: "));
                refused += 1;
            }
        }
    }
    assert!(refused > 1000);
}
