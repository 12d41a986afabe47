//! Scenarios under a bare event queue: the node's core without its runtime, messages as values, time in whole milliseconds.
//!
//! The second simulator beside [`super::sim`]: the same links, connections, faults, clocks and scripted peers, and nothing of what lives in
//! the runtime (framing, queues between tasks, sockets). It is what explores; turmoil confirms.
mod dial;
mod heap;
mod node;
mod outbox;
mod peer;
mod seen;
mod wire;
mod world;

use crate::history::History;
use crate::peer::Chains;
use crate::scenario::Scenario;
use crate::scenario::expectation::Expect;
use crate::scenario::file::{Deviation, Handshake};
use crate::scenario::resolved::{Act, Direction};

use super::Tell;
use super::sim::SimError;
use world::World;

/// How much is seen of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// All that the other simulator shows.
    #[default]
    Full,
    /// What the scenario's checks look at: no lines below INFO, no metrics but what nodes hold in buffers. Full where a check needs more.
    Checked,
}

/// Runs `scenario` once. The same arguments give the same history, byte for byte.
///
/// # Errors
/// A node that refuses its configuration.
pub fn simulate(
    scenario: &Scenario,
    chains: &Chains,
    seed: u64,
    detail: Detail,
    tell: Tell<'_>,
) -> Result<History, SimError> {
    let full = detail == Detail::Full || scenario.expect.iter().any(|check| needs_all(&check.what));
    Ok(World::new(scenario, chains, seed, full)?.play(tell))
}

/// What of `scenario` can't be expressed here, in words.
pub fn unsupported(scenario: &Scenario, seed: u64) -> Vec<String> {
    let directed = scenario.timeline(seed).into_iter().flat_map(|step| match step.act {
        Act::Direct { peers, direction: Direction::Deviate(deviations) } => peers
            .into_iter()
            .flat_map(|peer| deviations.iter().map(move |what| (peer.clone(), what.clone())).collect::<Vec<_>>())
            .collect(),
        _ => Vec::new(),
    });
    let cast =
        scenario.peers.iter().flat_map(|(name, peer)| peer.deviations.iter().map(|what| (name.clone(), what.clone())));
    let framing = |deviation: &Deviation| match deviation {
        Deviation::OversizedLine(_) => Some("oversized_line"),
        Deviation::JunkBytes(_) => Some("junk_bytes"),
        Deviation::NeverReads => Some("never_reads"),
        Deviation::BadHandshake(Handshake::Slow) => Some("bad_handshake: slow"),
        _ => None,
    };
    let reasons = cast.chain(directed).filter_map(|(peer, deviation)| {
        let what = framing(&deviation)?;
        Some(format!(
            "`{what}` of {peer}: bytes and their framing are the runtime's, which the event queue runs without"
        ))
    });
    let mut reasons: Vec<String> = reasons.collect();
    reasons.dedup();
    reasons
}

/// Whether a check looks at more than [`Detail::Checked`] shows.
fn needs_all(expect: &Expect) -> bool {
    use Expect::{Count, Gaps, Metric, Never, Rate, Sequence};
    matches!(expect, Sequence(_) | Never(_) | Count { .. } | Rate { .. } | Gaps { .. } | Metric { .. })
}
