//! A second, small model of a node, written from the text alone. It hears all that a core is told and sees all that it does, and says where the one
//! does not follow from the other: at once, of every node and in every scenario, whatever was drawn.
//!
//! It holds nodes to what can be told from their own inputs and outputs: heights and their median, pings, dials, slots, requests and benches, searches,
//! votes, answers. Chains, downloads and who wins are judged from outside.
mod dials;
mod life;
mod link;
mod requests;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;
use std::time::Duration;

use node::protocol::tap::Crossing;

use life::Life;
use text::Text;

/// Something that a node must not do, or left undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// What it has to keep to, with its place in the text.
    pub rule: &'static str,
    /// What it did.
    pub what: String,
}

/// All lives of one node.
#[derive(Debug, Default)]
pub struct Oracle {
    life: Option<Life>,
    /// Rules that are known to be broken: said once.
    known: BTreeSet<&'static str>,
}

impl Oracle {
    /// Something crosses the boundary of its core, at a time of the core's own.
    pub fn crossed(&mut self, at: Duration, crossing: Crossing<'_>) -> Vec<Breach> {
        let mut breaches = Vec::new();
        match (crossing, &mut self.life) {
            (Crossing::Began { config, genesis }, life) => *life = Some(Life::new(Text::new(config, genesis))),
            (Crossing::In { input, tip }, Some(life)) => life.told(at, input, tip, &mut breaches),
            (Crossing::Out(output), Some(life)) => life.did(output, &mut breaches),
            (_, None) => {}
        }
        // Nearly always there is none.
        if !breaches.is_empty() {
            breaches.retain(|breach| self.known.insert(breach.rule));
        }
        breaches
    }
}
