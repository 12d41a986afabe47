//! What Chaos Mesh (`chaos-mesh.org/v1alpha1`) does to pods and to the links between them. Its durations are Go's, percentages are texts.
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::link::Ends;
use super::name::Names;
use super::object::{Meta, Object};
use super::workflow::Spec;
use crate::scenario::file::LinkShape;
use crate::scenario::value::{Share, Span};

/// The version of its objects.
pub const API: &str = "chaos-mesh.org/v1alpha1";

/// Bytes that wait for a slow link, as its manual has them.
const LIMIT: u32 = 20_971_520;
/// Bytes that pass a slow link at once, at least: more than a packet has.
const BUFFER: u64 = 10_000;
/// By this a packet is overtaken where the scenario names no latency: that of its default link.
const OVERTAKEN: Duration = Duration::from_millis(10);

/// One of its experiments' `spec`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Chaos {
    #[serde(rename = "networkChaos")]
    Network(Box<NetworkChaos>),
    #[serde(rename = "podChaos")]
    Pod(PodChaos),
    #[serde(rename = "timeChaos")]
    Time(TimeChaos),
}

/// Which pods, in all of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    pub mode: &'static str,
    pub selector: Selector,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    namespaces: [String; 1],
    label_selectors: BTreeMap<&'static str, &'static str>,
    expression_selectors: [Expression; 1],
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Expression {
    key: &'static str,
    operator: &'static str,
    values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkChaos {
    action: &'static str,
    mode: &'static str,
    selector: Selector,
    direction: &'static str,
    target: Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<Delay>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<Loss>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate: Option<Duplicate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<Rate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bandwidth: Option<Bandwidth>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Delay {
    latency: String,
    jitter: String,
    correlation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reorder: Option<Reorder>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Reorder {
    reorder: String,
    correlation: &'static str,
    gap: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Loss {
    loss: String,
    correlation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Duplicate {
    duplicate: String,
    correlation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Rate {
    rate: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Bandwidth {
    rate: String,
    limit: u32,
    buffer: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PodChaos {
    action: &'static str,
    mode: &'static str,
    selector: Selector,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeChaos {
    mode: &'static str,
    selector: Selector,
    container_names: [&'static str; 1],
    time_offset: String,
}

impl Chaos {
    pub fn network(chaos: NetworkChaos) -> Self {
        Self::Network(Box::new(chaos))
    }

    /// The pods' containers end and don't run, as long as it lasts; pods keep their addresses and volumes.
    pub fn pod_failure(pods: Target) -> Self {
        Self::Pod(PodChaos { action: "pod-failure", mode: pods.mode, selector: pods.selector })
    }

    /// The node's clock is off by so much.
    pub fn time_offset(pods: Target, offset_ms: i64) -> Self {
        let sign = if offset_ms < 0 { "-" } else { "" };
        Self::Time(TimeChaos {
            mode: pods.mode,
            selector: pods.selector,
            container_names: ["masternode"],
            time_offset: format!("{sign}{}", duration(Duration::from_millis(offset_ms.unsigned_abs()))),
        })
    }

    /// Its name as an object and as a step of a Workflow.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Network(_) => "NetworkChaos",
            Self::Pod(_) => "PodChaos",
            Self::Time(_) => "TimeChaos",
        }
    }
}

impl Selector {
    pub fn of(names: &Names, nodes: &[String]) -> Self {
        Self {
            namespaces: [names.namespace.clone()],
            label_selectors: [("app.kubernetes.io/component", "node")].into(),
            expression_selectors: [Expression {
                key: "app.kubernetes.io/instance",
                operator: "In",
                values: nodes.iter().map(|node| names.node(node).to_owned()).collect(),
            }],
        }
    }
}

/// Nothing passes.
pub fn partition(ends: &Ends, names: &Names) -> NetworkChaos {
    let side = |nodes: &[String]| Target { mode: "all", selector: Selector::of(names, nodes) };
    let Target { mode, selector } = side(&ends.from);
    let direction = if ends.both_ways { "both" } else { "to" };
    let target = side(&ends.to);
    NetworkChaos {
        action: "partition",
        mode,
        selector,
        direction,
        target,
        delay: None,
        loss: None,
        duplicate: None,
        rate: None,
        bandwidth: None,
    }
}

/// Packets pass as `shape` says; `None` where it says nothing.
pub fn shaped(ends: &Ends, shape: &LinkShape, names: &Names) -> Option<NetworkChaos> {
    let share = |share: Option<Share>| share.filter(|share| share.0 > 0.0).map(|share| percent(share.0));
    let time = |span: Option<Span>| span.map_or(Duration::ZERO, Duration::from);
    let reorder = share(shape.reorder).map(|reorder| Reorder { reorder, correlation: "0", gap: 1 });
    // A scenario's jitter is added to the latency, from nothing up to all of it; here it is around the latency.
    let half = time(shape.jitter) / 2;
    let mut latency = time(shape.latency) + half;
    if reorder.is_some() && latency.is_zero() {
        latency = OVERTAKEN;
    }
    let delay = (!latency.is_zero()).then(|| Delay {
        latency: duration(latency),
        jitter: duration(half),
        correlation: "0",
        reorder,
    });
    let loss = share(shape.loss).map(|loss| Loss { loss, correlation: "0" });
    let duplicate = share(shape.duplicate).map(|duplicate| Duplicate { duplicate, correlation: "0" });
    // Its `bps` are bytes a second.
    let rate = shape.rate.map(|rate| format!("{}bps", rate.0));
    let mut chaos = NetworkChaos { delay, loss, duplicate, ..partition(ends, names) };
    chaos.action = match (&chaos.delay, &chaos.loss, &chaos.duplicate, rate) {
        (None, None, None, None) => return None,
        (None, None, None, Some(rate)) => {
            let buffer = (shape.rate.map_or(0, |rate| rate.0) / 100).clamp(BUFFER, u32::MAX.into());
            chaos.bandwidth = Some(Bandwidth { rate, limit: LIMIT, buffer: u32::try_from(buffer).unwrap_or(u32::MAX) });
            "bandwidth"
        }
        (Some(_), None, None, None) => "delay",
        (None, Some(_), None, None) => "loss",
        (None, None, Some(_), None) => "duplicate",
        (.., rate) => {
            chaos.rate = rate.map(|rate| Rate { rate });
            "netem"
        }
    };
    Some(chaos)
}

/// `30s`, or `1500ms`, or `1500us`: one number and one unit.
pub fn duration(duration: Duration) -> String {
    match (duration.as_micros() % 1_000_000, duration.as_micros() % 1_000) {
        (0, _) => format!("{}s", duration.as_secs()),
        (_, 0) => format!("{}ms", duration.as_millis()),
        _ => format!("{}us", duration.as_micros()),
    }
}

/// To a millionth, without what a binary fraction adds.
fn percent(share: f64) -> String {
    ((share * 1e8).round() / 1e6).to_string()
}

impl Object<Spec> {
    /// An experiment that lasts until it is deleted.
    pub fn of_chaos(metadata: Meta, chaos: Chaos) -> Self {
        let kind = chaos.kind();
        let spec = match chaos {
            Chaos::Network(chaos) => Spec::Network(chaos),
            Chaos::Pod(chaos) => Spec::Pod(chaos),
            Chaos::Time(chaos) => Spec::Time(chaos),
        };
        Self::new(API, kind, metadata, spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_percentages_are_as_chaos_mesh_reads_them() {
        let written = [0, 10_000, 1_500, 90_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(written, ["0s", "10s", "1500ms", "90s"]);
        assert_eq!(duration(Duration::from_millis(15) / 2), "7500us");
        assert_eq!([0.25, 0.57, 0.005, 1.0, 0.000_000_1].map(percent), ["25", "57", "0.5", "100", "0.00001"]);
    }
}
