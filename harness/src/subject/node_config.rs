//! The reference node's configuration in a scenario.
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::Path;

use node::config::{Config, ConfigError};

use crate::peer::{Chains, PORT};
use crate::scenario::Scenario;
use crate::scenario::resolved::Node;

/// The entries of its list of whitelisted peers.
pub fn whitelisted(node: &Node) -> Vec<String> {
    let again = node.whitelists_again.iter().map(|ip| format!("{ip}:{PORT}"));
    node.whitelists.iter().map(Ipv4Addr::to_string).chain(again).collect()
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// The node's `config.toml`. `own` are the backend's settings, the scenario's win: section, key, value as TOML text.
pub fn config_text(
    scenario: &Scenario,
    node: &Node,
    chains: &Chains,
    own: &[(&'static str, &'static str, String)],
) -> String {
    let list = |ips: &[Ipv4Addr]| quoted(&ips.iter().map(Ipv4Addr::to_string).collect::<Vec<_>>());
    let mut sections: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
    let network = sections.entry("network").or_default();
    network.insert("listen", format!("\"{}:{PORT}\"", node.ip));
    network.insert("whitelisted_peers", format!("[{}]", quoted(&whitelisted(node))));
    network.insert("blacklisted_peers", format!("[{}]", list(&node.blacklists)));
    network.insert("peers", format!("[{}]", list(&node.dials)));
    network.insert("masternode", node.masternode.to_string());
    let checkpoints = node.checkpoints.iter().filter_map(|at| {
        let hash = chains.hash(at)?;
        Some(format!("{{ height = {}, hash = \"{hash}\" }}", at.height))
    });
    let checkpoints: Vec<String> = checkpoints.collect();
    sections.entry("chain").or_default().insert("checkpoints", format!("[{}]", checkpoints.join(", ")));
    if let (Some((slot, slots)), Some(every)) = (node.producer, scenario.produce_every) {
        let producer = sections.entry("producer").or_default();
        producer.insert("enabled", "true".into());
        producer.insert("interval", every.as_secs().to_string());
        producer.insert("slot", slot.to_string());
        producer.insert("slots", slots.to_string());
    }
    for (section, key, value) in own {
        sections.entry(section).or_default().insert(key, value.clone());
    }
    for (section, keys) in &node.config {
        for (key, value) in keys {
            sections.entry(section).or_default().insert(key, value.clone());
        }
    }
    let mut text = String::new();
    for (section, keys) in sections {
        let _ = writeln!(text, "[{section}]");
        for (key, value) in keys {
            let _ = writeln!(text, "{key} = {value}");
        }
    }
    text
}

/// What the node called `name` makes of its configuration.
///
/// # Errors
/// A key that it doesn't know, or a value that it refuses: with the line.
pub fn config(scenario: &Scenario, name: &str, node: &Node, chains: &Chains) -> Result<Config, ConfigError> {
    Config::parse(&config_text(scenario, node, chains, &[]), &format!("configuration of {name}"), Path::new("."))
}
