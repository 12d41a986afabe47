//! What an engine can't express of a scenario.
use std::time::Duration;

use crate::scenario::Scenario;
use crate::scenario::expectation::{Expect, Pattern, PatternKind};
use crate::scenario::resolved::{Act, Fault, Step};

/// Names of what is missing, in words.
#[derive(Debug, Default)]
pub struct LeftOut {
    /// See [`super::Artefacts::left_out`].
    pub left_out: Vec<String>,
    /// See [`super::Artefacts::unjudged`].
    pub unjudged: Vec<String>,
}

impl LeftOut {
    /// What no engine can: scripted peers and what they do and see, and judging. `refused` says why the engine can't do a fault.
    pub fn of(scenario: &Scenario, steps: &[Step], refused: impl Fn(&Fault) -> Option<&'static str>) -> Self {
        let mut all = Self::default();
        for (name, peer) in &scenario.peers {
            all.add(format!("peer {name}: scripted peers have no image, nobody is at {}", peer.ip));
            for deviation in &peer.deviations {
                all.add(format!("deviation of {name}: {deviation:?}"));
            }
        }
        for (name, node) in scenario.nodes.iter().filter(|(_, node)| !node.disk.is_zero()) {
            all.add(format!("slow disk of {name} ({}): the volume is as fast as it is", time(node.disk)));
        }
        for step in steps {
            let why = match &step.act {
                Act::Direct { .. } => Some("scripted peers have no image"),
                Act::Fault { fault, .. } => refused(fault).or_else(|| nobody(scenario, fault)),
            };
            if let Some(why) = why {
                all.add(format!("at {}: {}: {why}", time(step.at), step.act));
            }
        }
        for check in &scenario.expect {
            let text = format!("line {}: {}", check.line, check.what.to_string().replace('\n', ""));
            match seen_by_peers(&check.what) {
                true => all.add(format!("expectation, {text}: scripted peers have no image")),
                false => all.unjudged.push(text),
            }
        }
        if let Some(near) = &scenario.near_median {
            let text = format!("masternodes stay within {} blocks of their median", near.blocks);
            all.unjudged.push(format!("{text} from {} after each disturbance on", time(near.after)));
        }
        if let Some(bytes) = scenario.buffered_at_most {
            all.unjudged.push(format!("a node buffers at most {bytes} bytes"));
        }
        all
    }

    /// One more thing.
    pub fn add(&mut self, what: String) {
        self.left_out.push(what);
    }
}

/// The directed pairs of a fault of links of which both ends are nodes.
pub fn between_nodes(scenario: &Scenario, pairs: &[(String, String)]) -> Vec<(String, String)> {
    let is_node = |name: &String| scenario.nodes.contains_key(name);
    pairs.iter().filter(|(from, to)| is_node(from) && is_node(to)).cloned().collect()
}

/// As scenarios have it.
pub fn time(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}

fn nobody(scenario: &Scenario, fault: &Fault) -> Option<&'static str> {
    match fault {
        Fault::Cut(pairs) | Fault::Link(pairs, _) if between_nodes(scenario, pairs).is_empty() => {
            Some("only scripted peers, who have no image, are on one of the sides")
        }
        _ => None,
    }
}

/// Whether it tells of messages, which scripted peers see.
fn seen_by_peers(what: &Expect) -> bool {
    let wire = |pattern: &Pattern| matches!(pattern.kind, PatternKind::Wire(_));
    match what {
        Expect::Sequence(steps) => steps.iter().any(|step| wire(&step.see)),
        Expect::Never(seen) | Expect::Count { seen, .. } | Expect::Rate { seen, .. } | Expect::Gaps { seen, .. } => {
            wire(&seen.see)
        }
        Expect::Converge { .. }
        | Expect::Tip { .. }
        | Expect::OnlyTips { .. }
        | Expect::Reorgs { .. }
        | Expect::Metric { .. } => false,
    }
}
