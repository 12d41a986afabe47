//! The incident that a scenario comes from: how the nodes were then, and what was seen.
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::expectation::Check;
use super::file::Expectation;
use super::plain::Value;
use super::resolved::Scenario;
use super::value::Name;
use super::yaml::Spanned;

/// What makes a scenario the repetition of an incident.
///
/// It has two sides. With the nodes as they were all of `reproduced` is seen and some of `expect` is not; with the nodes as they are
/// `expect` holds and some of `reproduced` is not seen. Nothing else is asked of the nodes as they were, no invariants either.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentFile {
    /// The nodes as they were: settings of every node's config file, by section. They win over a node's `config`. Empty only beside `mutant`.
    #[serde(default)]
    pub without: BTreeMap<Name, BTreeMap<Name, Spanned<Value>>>,
    /// A defect of the reference node that restores the old behaviour where no setting does: `same_range_for_ever`. Only the simulation
    /// can switch it on.
    #[serde(default)]
    pub mutant: Option<Spanned<String>>,
    /// What was seen then; at least one expectation.
    pub reproduced: Spanned<Vec<Spanned<Expectation>>>,
}

/// See [`IncidentFile`].
#[derive(Debug, Clone)]
pub struct Incident {
    /// Settings of all nodes then.
    pub without: Vec<Setting>,
    /// The defect's name.
    pub mutant: Option<String>,
    /// What was seen.
    pub reproduced: Vec<Check>,
}

/// A setting of a node's config file. As text: `sync.enable_coordinator=false`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The section's name.
    pub section: String,
    /// The key below it.
    pub key: String,
    /// The value as TOML text on one line.
    pub value: String,
}

/// A text that is no setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no setting: write section.key=value, as in sync.enable_coordinator=false")]
pub struct NoSetting(String);

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}={}", self.section, self.key, self.value)
    }
}

impl FromStr for Setting {
    type Err = NoSetting;

    /// Names and values are the node's business, but for what would break the line.
    fn from_str(text: &str) -> Result<Self, NoSetting> {
        let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        let parts = text.split_once('=').and_then(|(name, value)| Some((name.trim().split_once('.')?, value.trim())));
        match parts {
            Some(((section, key), value))
                if word(section) && word(key) && !value.is_empty() && !value.contains(char::is_control) =>
            {
                Ok(Self { section: section.into(), key: key.into(), value: value.into() })
            }
            _ => Err(NoSetting(text.to_owned())),
        }
    }
}

impl Scenario {
    /// The same with this setting on all nodes, whatever they have in `config`. Whether a node obeys it is not checked here.
    pub fn with_setting(&self, setting: &Setting) -> Self {
        let mut scenario = self.clone();
        for node in scenario.nodes.values_mut() {
            let section = node.config.entry(setting.section.clone()).or_default();
            section.insert(setting.key.clone(), setting.value.clone());
        }
        scenario
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
title: x
why: y
runs_for: 1m
nodes:
  a: {}
  b: {config: {sync: {sync_threshold: 7}}}
incident:
  without: {sync: {enable_coordinator: false, sync_threshold: 9}}
  mutant: no_hedge
  reproduced: [never: {see: {on: a, log: requested}}]
expect: [reorgs: {who: [a], at_most: 0}]
";

    #[test]
    fn a_setting_of_the_past_wins_on_all_nodes() {
        let scenario = Scenario::parse("x", TEXT).unwrap();
        let incident = scenario.incident.clone().unwrap();
        assert_eq!(incident.mutant.as_deref(), Some("no_hedge"));
        assert_eq!(incident.reproduced.len(), 1);
        assert_eq!(incident.reproduced[0].line, 11);
        let shown: Vec<String> = incident.without.iter().map(Setting::to_string).collect();
        assert_eq!(shown, ["sync.enable_coordinator=false", "sync.sync_threshold=9"]);
        let then = incident.without.iter().fold(scenario, |scenario, setting| scenario.with_setting(setting));
        for node in then.nodes.values() {
            assert_eq!(node.config["sync"]["sync_threshold"], "9");
            assert_eq!(node.config["sync"]["enable_coordinator"], "false");
        }
    }

    #[test]
    fn a_setting_is_read_and_written() {
        let setting: Setting = "network.name = \"a=b\"".parse().unwrap();
        assert_eq!(setting.to_string(), "network.name=\"a=b\"");
        for wrong in ["", "x", "sync=1", "sync.x", "sync.x=", ".x=1", "a.b.c=1", "sync.x=1\n[network]", "sy nc.x=1"] {
            assert_eq!(wrong.parse::<Setting>(), Err(NoSetting(wrong.to_owned())));
        }
    }
}
