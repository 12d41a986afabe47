//! A history as of a node of which only the wire is known, cut where the set-up ends and the case begins.
use std::collections::BTreeMap;
use std::time::Duration;

use super::{Field, History, Observation, What};

/// The set-up, and the case with times from its own beginning.
///
/// What a backend knows of chains by other ways than the wire is left out: tips are those of the nodes' own answers to `GetChainTip`.
/// The case begins with what stands then: each node's tip, its open connections, and its last metrics.
pub fn black_box(history: &History, setup: Duration) -> (History, History) {
    let mut before = History::new(history.meta().clone());
    let mut case = History::new(history.meta().clone());
    let mut standing = Standing::default();
    let mut begun = false;
    for seen in history.observations() {
        let told = told_tip(seen).filter(|tip| standing.is_new(tip));
        let seen = (!matches!(seen.what, What::Chain { .. })).then(|| seen.clone());
        for seen in seen.into_iter().chain(told) {
            if seen.at < setup {
                standing.note(&seen);
                before.push(seen);
                continue;
            }
            if !begun {
                begun = true;
                standing.drain(&mut case);
            }
            standing.note(&seen);
            case.push(Observation { at: seen.at - setup, ..seen });
        }
    }
    before.push(Observation { at: setup, source: "harness".to_owned(), what: What::Ended });
    (before, case)
}

/// A node's answer to who asked for its tip.
fn told_tip(seen: &Observation) -> Option<Observation> {
    let What::Wire { node, sent: false, message, fields } = &seen.what else { return None };
    let (Some(Field::Number(height)), Some(Field::Text(tip))) = (fields.get("height"), fields.get("hash")) else {
        return None;
    };
    (message == "ChainTipResponse").then(|| Observation {
        at: seen.at,
        source: node.clone(),
        // What was kept of the chain before can't be seen.
        what: What::Chain { ancestor: 0, height: *height, tip: tip.clone(), broken: None },
    })
}

/// What stands at an instant, by node.
#[derive(Default)]
struct Standing {
    tips: BTreeMap<String, What>,
    metrics: BTreeMap<String, What>,
    /// How many connections are open, by node and peer.
    open: BTreeMap<(String, String), u32>,
}

impl Standing {
    fn is_new(&self, tip: &Observation) -> bool {
        self.tips.get(&tip.source) != Some(&tip.what)
    }

    fn note(&mut self, seen: &Observation) {
        match &seen.what {
            What::Chain { .. } => {
                self.tips.insert(seen.source.clone(), seen.what.clone());
            }
            What::Metrics(_) if seen.source != "harness" => {
                self.metrics.insert(seen.source.clone(), seen.what.clone());
            }
            What::Connection { fate, peer } => {
                let open = self.open.entry((seen.source.clone(), peer.clone())).or_default();
                match fate.as_str() {
                    "opened" => *open += 1,
                    "dialled" | "refused" => {}
                    _ => *open = open.saturating_sub(1),
                }
            }
            _ => {}
        }
    }

    fn drain(&self, case: &mut History) {
        let states = self.tips.iter().chain(&self.metrics).map(|(source, what)| (source.clone(), what.clone()));
        let open = self.open.iter().filter(|(_, open)| **open > 0).map(|((node, peer), _)| {
            (node.clone(), What::Connection { fate: "opened".to_owned(), peer: peer.clone() })
        });
        for (source, what) in states.chain(open) {
            case.push(Observation { at: Duration::ZERO, source, what });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::build::history;

    #[test]
    fn the_case_begins_with_what_stands() {
        let whole = history()
            .chain("a", 0, 0, "known-otherwise")
            .connection("a", "opened", "10.0.0.11")
            .connection("a", "opened", "10.0.0.12")
            .at(10_000)
            .wire("m", "a", false, "ChainTipResponse", "height=5 hash=x5")
            .connection("a", "closed_by_peer", "10.0.0.12")
            .at(30_000)
            .wire("m", "a", false, "Ping", "height=5")
            .at(31_500)
            .wire("m", "a", false, "ChainTipResponse", "height=5 hash=x5")
            .at(40_000)
            .wire("m", "a", false, "ChainTipResponse", "height=6 hash=x6")
            .at(50_000)
            .ended();
        let (before, case) = black_box(&whole, Duration::from_secs(30));
        let shown = |history: &History| history.observations().iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            shown(&before),
            [
                "0.000 s  a  connection opened: 10.0.0.11",
                "0.000 s  a  connection opened: 10.0.0.12",
                "10.000 s  m  ChainTipResponse from a hash=x5 height=5",
                "10.000 s  a  chain at 5 x5 (kept up to 0)",
                "10.000 s  a  connection closed_by_peer: 10.0.0.12",
                "30.000 s  harness  end of the run",
            ]
        );
        assert_eq!(
            shown(&case),
            [
                "0.000 s  a  chain at 5 x5 (kept up to 0)",
                "0.000 s  a  connection opened: 10.0.0.11",
                "0.000 s  m  Ping from a height=5",
                "1.500 s  m  ChainTipResponse from a hash=x5 height=5",
                "10.000 s  m  ChainTipResponse from a hash=x6 height=6",
                "10.000 s  a  chain at 6 x6 (kept up to 0)",
                "20.000 s  harness  end of the run",
            ]
        );
        assert_eq!(case.end(), Some(Duration::from_secs(20)));
    }
}
