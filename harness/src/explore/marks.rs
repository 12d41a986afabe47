//! Rare places that were reached, of the core and of the network: what a campaign counts.
use std::collections::BTreeMap;

use node::protocol::mark::{self, Mark};
use serde::{Deserialize, Serialize};

use crate::history::{History, What};

/// What of a network is worth a mark: its name, and what it stands for.
const NETWORK: [(&str, &str); 3] = [
    ("ProcessKilled", "A node's process is killed and comes back."),
    ("FourFaultsAtOnce", "Four faults are in force at once."),
    ("NodesDisagreeAtHealing", "When the last fault ends, nodes have different tips."),
];

/// How often each was reached, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marks(BTreeMap<String, u64>);

impl Marks {
    /// What this thread has reached since this was last asked, and what is seen in the history of its run.
    pub fn take(history: &History) -> Self {
        let core = Mark::ALL.iter().map(|mark| format!("{mark:?}")).zip(mark::take());
        let mut marks = Self(core.filter(|(_, count)| *count > 0).collect());
        let mut tips: BTreeMap<&str, &str> = BTreeMap::new();
        let mut in_force = 0_u32;
        let mut disagree = false;
        for seen in history.observations() {
            match &seen.what {
                What::Process { up: true, .. } => marks.reached("ProcessKilled"),
                What::Chain { tip, .. } => {
                    tips.insert(&seen.source, tip);
                }
                What::FaultBegan { .. } => {
                    in_force += 1;
                    if in_force == 4 {
                        marks.reached("FourFaultsAtOnce");
                    }
                }
                What::FaultEnded { .. } => {
                    in_force = in_force.saturating_sub(1);
                    let first = tips.values().next();
                    disagree = tips.values().any(|tip| Some(tip) != first);
                }
                _ => {}
            }
        }
        if disagree {
            marks.reached("NodesDisagreeAtHealing");
        }
        marks
    }

    fn reached(&mut self, name: &str) {
        *self.0.entry(name.to_owned()).or_default() += 1;
    }

    /// Takes over others.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name.clone()).or_default() += count;
        }
    }

    /// All marks there are, each with what it stands for and how often it was reached.
    pub fn all(&self) -> impl Iterator<Item = (String, &'static str, u64)> {
        let core = Mark::ALL.iter().map(|mark| (format!("{mark:?}"), mark.meaning()));
        let network = NETWORK.iter().map(|(name, meaning)| ((*name).to_owned(), *meaning));
        core.chain(network).map(|(name, meaning)| {
            let count = self.0.get(&name).copied().unwrap_or(0);
            (name, meaning, count)
        })
    }
}
