//! An oracle beside each simulated node.
use node::protocol::tap;

use super::log_capture::running;
use crate::history::What;
use crate::oracle::Oracle;

/// Runs a simulation of so many nodes; what oracles find is told with the node's number.
pub fn watched<T>(nodes: usize, tell: impl Fn(usize, What) + 'static, run: impl FnOnce() -> T) -> T {
    let mut oracles: Vec<Oracle> = (0..nodes).map(|_| Oracle::default()).collect();
    let listener = move |at, crossing: tap::Crossing<'_>| {
        let Some(node) = running() else { return };
        for breach in oracles[node].crossed(at, crossing) {
            tell(node, What::Breach { rule: breach.rule.to_owned(), what: breach.what });
        }
    };
    tap::listen(Box::new(listener), run)
}
