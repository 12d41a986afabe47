//! Histories for tests, in a few words: `history().at(30_000).log("a", "behind", "our=1000 ip=10.0.0.2").ended()`.
use std::net::Ipv4Addr;
use std::time::Duration;

use super::{Field, Fields, History, Meta, Observation, What};

/// A history under construction; see [`history`].
pub struct Build {
    history: History,
    at: Duration,
}

/// An empty history at 0 ms, with nodes `a` to `e` at 10.0.0.1 to 10.0.0.5 and peers `m` and `n` at 10.0.0.11 and 10.0.0.12.
pub fn history() -> Build {
    let parties = [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5), ("m", 11), ("n", 12)];
    let address = |(name, last): (&str, u8)| (name.to_owned(), Ipv4Addr::new(10, 0, 0, last));
    Build {
        history: History::new(Meta {
            scenario: "sample".into(),
            seed: 7,
            parties: parties.into_iter().map(address).collect(),
            ..Meta::default()
        }),
        at: Duration::ZERO,
    }
}

impl Build {
    /// The time of what follows, in milliseconds.
    pub fn at(mut self, ms: u64) -> Self {
        self.at = Duration::from_millis(ms);
        self
    }

    fn seen(mut self, source: &str, what: What) -> Self {
        self.history.push(Observation { at: self.at, source: source.into(), what });
        self
    }

    pub fn log(self, node: &str, event: &str, fields: &str) -> Self {
        self.text(node, event, event, fields)
    }

    pub fn text(self, node: &str, event: &str, text: &str, fields: &str) -> Self {
        let what = What::Log { level: "INFO".into(), event: event.into(), text: text.into(), fields: parse(fields) };
        self.seen(node, what)
    }

    pub fn wire(self, peer: &str, node: &str, sent: bool, message: &str, fields: &str) -> Self {
        let what = What::Wire { node: node.into(), sent, message: message.into(), fields: parse(fields) };
        self.seen(peer, what)
    }

    pub fn connection(self, node: &str, fate: &str, peer: &str) -> Self {
        let what = What::Connection { fate: fate.into(), peer: peer.into() };
        self.seen(node, what)
    }

    pub fn chain(self, node: &str, ancestor: u64, height: u64, tip: &str) -> Self {
        self.broken(node, ancestor, height, tip, None)
    }

    pub fn broken(self, node: &str, ancestor: u64, height: u64, tip: &str, broken: Option<&str>) -> Self {
        let what = What::Chain { ancestor, height, tip: tip.into(), broken: broken.map(Into::into) };
        self.seen(node, what)
    }

    pub fn metrics(self, node: &str, values: &[(&str, f64)]) -> Self {
        let values = values.iter().map(|(name, value)| ((*name).into(), *value));
        self.seen(node, What::Metrics(values.collect()))
    }

    pub fn process(self, node: &str, up: bool) -> Self {
        self.seen(node, What::Process { up, by_itself: None })
    }

    pub fn crashed(self, node: &str, how: &str) -> Self {
        self.seen(node, What::Process { up: false, by_itself: Some(how.into()) })
    }

    pub fn fault_began(self, id: u32, what: &str) -> Self {
        let what = what.into();
        self.seen("harness", What::FaultBegan { id, what })
    }

    pub fn fault_ended(self, id: u32, bit: Option<&str>, gone: bool) -> Self {
        let bit = bit.map(Into::into);
        self.seen("harness", What::FaultEnded { id, bit, gone })
    }

    /// The run ends here.
    pub fn ended(self) -> History {
        self.seen("harness", What::Ended).history
    }

    /// The history breaks off here.
    pub fn done(self) -> History {
        self.history
    }
}

/// `k=v k=v`; whole numbers are numbers.
fn parse(fields: &str) -> Fields {
    let pair = |word: &str| {
        let (name, value) = word.split_once('=').expect("k=v");
        let value = match value.parse() {
            Ok(number) => Field::Number(number),
            Err(_) => Field::Text(value.into()),
        };
        (name.to_owned(), value)
    };
    fields.split_whitespace().map(pair).collect()
}
