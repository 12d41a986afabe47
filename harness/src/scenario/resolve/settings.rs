//! What nodes and scripted peers are set up with.
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::super::file::{Deviation, NodeFile, PeerFile, ScenarioFile};
use super::super::plain::Value;
use super::super::resolved::{At, Node, Peer};
use super::super::value::Name;
use super::super::yaml::{Place, Spanned};
use super::Context;
use super::cast::Takes;

const START: &str = "main";
/// How long a peer dials a node that doesn't listen yet.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes that one deviation may send at once.
const MOST_JUNK: u64 = 1 << 30;
const MOST_PINGS: u32 = 10_000;

/// Nodes by name, and the time between two blocks.
pub(super) fn nodes(file: &ScenarioFile, context: &mut Context) -> (BTreeMap<String, Node>, Option<Duration>) {
    let producers = producers(file, context);
    let mut nodes = BTreeMap::new();
    for (group, node) in &file.nodes.value {
        for name in context.cast.members(&group.text) {
            let seat = producers.iter().position(|producer| *producer == name);
            let turn = seat.map(|seat| (seat as u32, producers.len() as u32));
            nodes.insert(name.clone(), one_node(&name, node, turn, context));
        }
    }
    (nodes, file.produce.as_ref().map(|produce| produce.every.value.0))
}

fn one_node(name: &str, node: &NodeFile, producer: Option<(u32, u32)>, context: &mut Context) -> Node {
    Node {
        ip: address(name, context),
        chain: match &node.chain {
            Some(at) => context.at(at),
            None => At { chain: START.into(), height: 0 },
        },
        masternode: node.masternode,
        whitelists: addresses_but(name, &node.whitelists, context),
        whitelists_again: addresses_but(name, &node.whitelists_again, context),
        blacklists: addresses_but(name, &node.blacklists, context),
        dials: addresses_but(name, &node.dials, context),
        checkpoints: node.checkpoints.iter().map(|at| context.at(at)).collect(),
        starts_at: context.optional_time(&node.starts_at).unwrap_or_default(),
        disk: context.optional_time(&node.disk).unwrap_or_default(),
        producer,
        config: node.config.iter().map(|(section, keys)| (section.text.clone(), toml_values(keys, context))).collect(),
    }
}

/// Who makes blocks, in order of their turns.
fn producers(file: &ScenarioFile, context: &mut Context) -> Vec<String> {
    let Some(produce) = &file.produce else {
        return Vec::new();
    };
    let every = produce.every.value.0;
    let whole = every.subsec_nanos() == 0;
    if !whole || !(1..=86_400).contains(&every.as_secs()) {
        let title = format!("blocks cannot be made every {:?}", produce.every.value);
        context.wrong(&produce.every.place, title, "write whole seconds, 1s to 1d");
    }
    context.somebody(&produce.by, Takes::Nodes, &produce.every.place)
}

pub(super) fn peers(file: &ScenarioFile, context: &mut Context) -> BTreeMap<String, Peer> {
    let mut peers = BTreeMap::new();
    for (group, peer) in &file.peers {
        for name in context.cast.members(&group.text) {
            peers.insert(name.clone(), one_peer(&name, peer, context));
        }
    }
    peers
}

fn one_peer(name: &str, peer: &PeerFile, context: &mut Context) -> Peer {
    let chain = context.at(&peer.chain);
    Peer {
        ip: address(name, context),
        dials: context.names(&peer.dials, Takes::Nodes),
        listens: peer.listens,
        starts_at: context.optional_time(&peer.starts_at).unwrap_or_default(),
        patience: PATIENCE,
        redials: peer.redials.as_ref().map(|span| span.value.0),
        deviations: deviations(&peer.deviations, chain.height, context),
        chain,
    }
}

/// Deviations of a peer whose chain has this height.
pub(super) fn deviations(list: &[Spanned<Deviation>], height: u64, context: &mut Context) -> Vec<Deviation> {
    for Spanned { value, place } in list {
        let wrong = match value {
            Deviation::InvalidBlock { at, .. } if *at == 0 || *at > height => {
                Some((format!("the invalid block {at} is not on its chain"), format!("`at` is 1 to {height}")))
            }
            Deviation::WrongRange { start, end } if start > end => {
                Some((format!("the range {start}-{end} is empty"), "`start` is at most `end`".into()))
            }
            Deviation::FlappingHeight { heights, every } if heights.is_empty() || every.0.is_zero() => {
                Some(("heights that do not flap".into(), "name at least one height, and a time above 0ms".into()))
            }
            Deviation::OversizedLine(bytes) | Deviation::JunkBytes(bytes) if !(1..=MOST_JUNK).contains(bytes) => {
                Some((format!("{bytes} bytes are out of range"), format!("write 1 to {MOST_JUNK}")))
            }
            Deviation::PingFlood(rate) if !(1..=MOST_PINGS).contains(rate) => {
                Some((format!("{rate} pings a second are out of range"), format!("write 1 to {MOST_PINGS}")))
            }
            _ => None,
        };
        if let Some((title, help)) = wrong {
            context.wrong(place, title, help);
        }
    }
    list.iter().map(|deviation| deviation.value.clone()).collect()
}

/// A party without an address has a mistake that is noted already.
fn address(name: &str, context: &Context) -> Ipv4Addr {
    context.cast.ips.get(name).copied().unwrap_or(Ipv4Addr::UNSPECIFIED)
}

/// Addresses of these, but never one's own: `m: {count: 3, whitelists: [m]}` means each the other two.
fn addresses_but(name: &str, words: &[Spanned<String>], context: &mut Context) -> Vec<Ipv4Addr> {
    let names = context.names(words, Takes::Anyone);
    names.iter().filter(|other| *other != name).map(|other| address(other, context)).collect()
}

/// Values of one section as TOML text.
pub(super) fn toml_values(keys: &BTreeMap<Name, Spanned<Value>>, context: &mut Context) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (key, Spanned { value, place }) in keys {
        if let Some(text) = toml(value, place, context) {
            values.insert(key.text.clone(), text);
        }
    }
    values
}

fn toml(value: &Value, place: &Place, context: &mut Context) -> Option<String> {
    match value {
        Value::Whole(number) if i64::try_from(*number).is_err() => {
            context.wrong(place, format!("{number} is too great for a config file"), "2^63 - 1 is the greatest number");
            None
        }
        Value::Bool(_) | Value::Whole(_) | Value::Negative(_) => Some(value.to_string()),
        // With a point or an exponent, unlike Display.
        Value::Real(number) => Some(format!("{number:?}")),
        Value::Text(text) => Some(quoted(text)),
        Value::List(values) => {
            let values: Option<Vec<_>> = values.iter().map(|value| toml(value, place, context)).collect();
            values.map(|values| format!("[{}]", values.join(", ")))
        }
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
