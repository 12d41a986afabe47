use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::*;
use crate::scenario::Scenario;
use crate::scenario::expectation::Expect;
use crate::scenario::file::{Deviation, Handshake};
use crate::scenario::resolved::{Act, At, Direction};

const SEEDS: u64 = 500;

fn draw(seed: u64) -> (Drawn, Scenario) {
    let drawn = generate(seed, &Limits::default());
    let scenario = parse(seed, &drawn);
    (drawn, scenario)
}

fn parse(seed: u64, drawn: &Drawn) -> Scenario {
    Scenario::parse("drawn", &drawn.text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", drawn.text))
}

/// The word that a scenario file has for a deviation.
fn word(deviation: &Deviation) -> String {
    let debug = format!("{deviation:?}");
    let camel = debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let mut word = String::new();
    for c in camel.chars() {
        if c.is_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.extend(c.to_lowercase());
    }
    word
}

/// All deviations of a scenario, later ones too.
fn deviations(scenario: &Scenario) -> impl Iterator<Item = Deviation> {
    let later = scenario.timeline(0).into_iter().filter_map(|step| match step.act {
        Act::Direct { direction: Direction::Deviate(list), .. } => Some(list),
        _ => None,
    });
    let all: Vec<_> = scenario.peers.values().map(|peer| peer.deviations.clone()).chain(later).collect();
    all.into_iter().flatten()
}

/// Where a chain left `main`.
fn root(scenario: &Scenario, at: &At) -> u64 {
    match &scenario.chains[&at.chain].fork_of {
        Some(parent) => root(scenario, parent).min(parent.height),
        None => u64::MAX,
    }
}

#[test]
fn a_seed_is_one_text_and_another_seed_another() {
    let mut texts = BTreeSet::new();
    for seed in 0..SEEDS {
        let drawn = generate(seed, &Limits::default());
        assert_eq!(drawn, generate(seed, &Limits::default()));
        texts.insert(drawn.text);
    }
    assert_eq!(texts.len() as u64, SEEDS);
}

#[test]
fn everything_heals_and_the_budget_fits_into_the_run() {
    for seed in 0..SEEDS {
        let (drawn, scenario) = draw(seed);
        assert!(scenario.runs_for <= LEAST, "seed {seed}: {}", drawn.text);
        let mut healed = Duration::ZERO;
        for step in scenario.timeline(seed) {
            let lasts = match step.act {
                Act::Fault { lasts, .. } => lasts,
                Act::Direct { .. } => Duration::ZERO,
            };
            healed = healed.max(step.at + lasts);
        }
        for node in scenario.nodes.values() {
            healed = healed.max(node.starts_at);
        }
        let mut converges = 0;
        for check in &scenario.expect {
            let Expect::Converge { within, after, who, .. } = &check.what else { panic!("seed {seed}") };
            assert_eq!(*after, Some(healed), "seed {seed}");
            assert_eq!(who.len(), scenario.nodes.len());
            assert!(healed + *within < scenario.runs_for, "seed {seed}");
            converges += 1;
        }
        assert!(converges > 0, "seed {seed}");
    }
}

#[test]
fn liars_are_fewer_than_the_honest_on_every_list() {
    let mut lied_to = 0;
    for seed in 0..SEEDS {
        let (drawn, scenario) = draw(seed);
        let liars: BTreeSet<Ipv4Addr> = scenario.peers.values().map(|peer| peer.ip).collect();
        for node in scenario.nodes.values() {
            let lying = node.whitelists.iter().filter(|ip| liars.contains(ip)).count();
            assert!(2 * lying < node.whitelists.len(), "seed {seed}: {}", drawn.text);
            lied_to += usize::from(lying > 0);
        }
    }
    assert!(lied_to > 500, "{lied_to}");
}

#[test]
fn masternodes_whitelist_the_same_set_wherever_forks_can_be() {
    for seed in 0..SEEDS {
        let (drawn, scenario) = draw(seed);
        let producers = scenario.nodes.values().filter(|node| node.producer.is_some()).count();
        if scenario.chains.len() == 1 && producers < 2 {
            continue;
        }
        let masternodes = || scenario.nodes.values().filter(|node| node.masternode);
        let sets: BTreeSet<BTreeSet<Ipv4Addr>> =
            masternodes().map(|node| node.whitelists.iter().copied().chain([node.ip]).collect()).collect();
        // A ring that is so small, or reaches so far, that all are neighbours, is one set, too.
        assert_eq!(sets.len(), 1, "seed {seed}: {}", drawn.text);
    }
}

#[test]
fn what_is_off_is_off_and_everything_occurs() {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..SEEDS {
        let (drawn, scenario) = draw(seed);
        let mut here: BTreeSet<String> = BTreeSet::new();
        for step in scenario.steps_in_words() {
            here.insert(step.1.split(' ').next().unwrap_or_default().to_owned());
        }
        let faults = ["cut", "cut_one_way", "link", "pause", "kill", "power_loss", "skew"];
        for kind in faults {
            let there = drawn.text.contains(&format!("do: {{{kind}: "));
            let off = drawn.options["faults off"].split("; ").any(|off| off == kind);
            assert!(!(there && off), "seed {seed}: {kind}");
            here.insert(format!("{} {kind}", if there { "fault" } else { "no" }));
        }
        for kind in ["tell", "move", "push", "disconnect", "connect", "deviate"] {
            if drawn.text.contains(&format!("do: {{{kind}: ")) {
                here.insert(format!("direction {kind}"));
            }
        }
        for deviation in deviations(&scenario) {
            here.insert(format!("deviation {}", word(&deviation)));
            let framing = matches!(
                deviation,
                Deviation::OversizedLine(_)
                    | Deviation::JunkBytes(_)
                    | Deviation::NeverReads
                    | Deviation::BadHandshake(Handshake::Slow)
            );
            assert!(!framing, "seed {seed}");
        }
        let reach = |c: &char| c.is_ascii_digit();
        here.insert(format!(
            "topology {}",
            drawn.options["topology"].chars().filter(|c| !reach(c)).collect::<String>()
        ));
        here.insert(format!("links {}", drawn.options["links"].split(':').next().unwrap_or_default()));
        for (name, chain) in &scenario.chains {
            if chain.lower_than.is_some() {
                here.insert("tie".into());
            }
            if chain.fork_of.as_ref().is_some_and(|of| of.chain != "main") {
                here.insert("nested fork".into());
            }
            assert!(chain.height <= 20_000, "seed {seed}: {name}");
        }
        let highest = scenario.nodes.values().map(|node| node.chain.height).max().unwrap_or(0);
        for node in scenario.nodes.values() {
            let depth = highest.saturating_sub(root(&scenario, &node.chain));
            assert!(depth < 10_000, "seed {seed}");
            if depth > 2_000 {
                here.insert("deep fork".into());
            }
            if node.chain.height > 5_500 {
                here.insert("high chain".into());
            }
        }
        for (key, what) in [
            ("production", drawn.options["production"] != "none"),
            ("late start", drawn.options["late starts"] != "none"),
            ("regular liar", drawn.options["regular liars"] != "none"),
            ("whitelisted liar", drawn.options["whitelisted liars"] != "none"),
            ("nothing hurts", drawn.options["faults"] == "none"),
            ("20 nodes", scenario.nodes.len() == 20),
            ("3 nodes", scenario.nodes.len() == 3),
        ] {
            if what {
                here.insert(key.to_owned());
            }
        }
        for what in here {
            *seen.entry(what).or_default() += 1;
        }
    }
    let count = |prefix: &str| seen.keys().filter(|what| what.starts_with(prefix)).count();
    assert_eq!((count("fault "), count("no "), count("direction ")), (7, 7, 6), "{seen:#?}");
    assert_eq!((count("deviation "), count("links "), count("topology ")), (32, 8, 4), "{seen:#?}");
    for what in ["tie", "nested fork", "deep fork", "high chain", "production", "late start", "nothing hurts"] {
        assert!(seen.contains_key(what), "{what}: {seen:#?}");
    }
    for what in ["regular liar", "whitelisted liar", "20 nodes", "3 nodes"] {
        assert!(seen.contains_key(what), "{what}: {seen:#?}");
    }
}

#[test]
fn limits_are_kept() {
    let large = Limits { nodes: 150..=1_000, longest: Duration::from_secs(1_800) };
    for seed in 0..10 {
        let scenario = parse(seed, &generate(seed, &large));
        assert!((150..=200).contains(&scenario.nodes.len()), "{}", scenario.nodes.len());
        assert!(scenario.runs_for <= large.longest);
    }
    let none = Limits { nodes: 0..=0, longest: Duration::ZERO };
    assert_eq!(parse(1, &generate(1, &none)).nodes.len(), 3);
}
