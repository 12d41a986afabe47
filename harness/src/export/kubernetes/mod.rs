//! For Kubernetes with Chaos Mesh: nodes, links and faults, and a Job that runs shards of the scenario's seeds.
mod chaos;
mod job;
mod link;
mod name;
mod nodes;
mod object;
mod pod;
mod workflow;

use std::time::Duration;

use self::chaos::{Chaos, Selector, Target, partition};
use self::name::Names;
use self::object::Object;
use super::artefacts::{Artefacts, ExportError};
use super::left_out::{LeftOut, between_nodes, time};
use crate::scenario::Scenario;
use crate::scenario::resolved::{Act, Fault, Step};

/// Steps of one Workflow: more are more objects than a cluster's controllers bear.
const MOST_STEPS: usize = 500;

/// What an export to Kubernetes needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// The reference node's image.
    pub image: String,
    /// The image of this program.
    pub harness_image: String,
    /// What the Job runs.
    pub sharing: Sharing,
}

/// Runs of the scenario in the simulation, shared out to pods.
#[derive(Debug, Clone, Copy)]
pub struct Sharing {
    /// The first seed.
    pub seed: u64,
    /// How many seeds.
    pub seeds: u32,
    /// How many shards; no more than seeds.
    pub shards: u32,
}

/// A chaos that begins and ends.
#[derive(Debug, Clone, PartialEq)]
struct Timed {
    at: Duration,
    lasts: Duration,
    chaos: Chaos,
}

/// Exports `scenario` with its parts drawn from the first seed.
///
/// # Errors
/// A chain or a timeline that is more than a cluster takes.
pub fn kubernetes(scenario: &Scenario, options: &Options) -> Result<Artefacts, ExportError> {
    let seed = options.sharing.seed;
    let names = Names::of(scenario);
    let mut steps = scenario.timeline(seed);
    let many = steps.len() > MOST_STEPS;
    let mut left_out = LeftOut::of(scenario, if many { &[] } else { &steps }, refused);
    if many {
        left_out
            .add(format!("the timeline: {} steps are more than {MOST_STEPS}, which one Workflow bears", steps.len()));
        steps.clear();
    }
    for (name, node) in scenario.nodes.iter().filter(|(_, node)| !node.starts_at.is_zero()) {
        left_out.add(format!("start of {name} at {}: all nodes start together", time(node.starts_at)));
    }
    let drifting =
        |step: &&Step| matches!(&step.act, Act::Fault { fault: Fault::Skew { drift_ppm, .. }, .. } if *drift_ppm != 0);
    for step in steps.iter().filter(drifting) {
        left_out.add(format!("at {}: {}: the drift alone, TimeChaos has an offset only", time(step.at), step.act));
    }
    let shared = scenario.source.len() <= nodes::PIECE;
    if !shared {
        left_out.add("shards: the scenario's file is more than a ConfigMap holds".into());
    }
    let (links, mut timed) = link::links(scenario, &steps, &names);
    timed.extend(faults(scenario, &steps, &names));
    timed.sort_by_key(|timed| timed.at);
    let mut all = Artefacts::new(
        scenario,
        seed,
        "Kubernetes and Chaos Mesh",
        left_out,
        how(&names, !links.is_empty() || !timed.is_empty()),
    );
    all.yaml("nodes.yaml", &nodes::nodes(scenario, &names, &options.image)?)?;
    let links = links.into_iter().enumerate();
    let links = links.map(|(n, chaos)| Object::of_chaos(names.meta(&format!("link-{n}"), &names.common()), chaos));
    let mut chaos: Vec<_> = links.collect();
    chaos.extend((!timed.is_empty()).then(|| workflow::workflow(scenario, &timed, &names)));
    if !chaos.is_empty() {
        all.yaml("chaos.yaml", &chaos)?;
    }
    if shared {
        all.yaml("shards.yaml", &job::job(scenario, options, &names))?;
    }
    Ok(all)
}

fn refused(fault: &Fault) -> Option<&'static str> {
    match fault {
        Fault::Cut(_) | Fault::Link(..) | Fault::Kill(_) | Fault::Skew { .. } => None,
        Fault::Pause(_) => Some("Chaos Mesh stops no process that is to go on"),
        Fault::PowerLoss(_) => Some("a pod's end is told to its peers, and its writes stay"),
    }
}

/// The faults but those of links' shapes.
fn faults(scenario: &Scenario, steps: &[Step], names: &Names) -> Vec<Timed> {
    let mut timed = Vec::new();
    for step in steps {
        let Act::Fault { fault, lasts } = &step.act else { continue };
        let chaos = match fault {
            Fault::Cut(pairs) => {
                let ends = link::ends(&between_nodes(scenario, pairs));
                ends.into_iter().map(|ends| Chaos::network(partition(&ends, names))).collect()
            }
            Fault::Kill(who) => vec![Chaos::pod_failure(names.select(who))],
            Fault::Skew { who, offset_ms, .. } => vec![Chaos::time_offset(names.select(who), *offset_ms)],
            Fault::Link(..) | Fault::Pause(_) | Fault::PowerLoss(_) => Vec::new(),
        };
        timed.extend(chaos.into_iter().map(|chaos| Timed { at: step.at, lasts: *lasts, chaos }));
    }
    timed
}

fn how(names: &Names, chaos: bool) -> Vec<String> {
    let kubectl = format!("kubectl -n {}", names.namespace);
    let begin = [
        "Kubernetes 1.33 or newer, Chaos Mesh 2.7 or newer; --server-side because a chain is more than kubectl notes on an object otherwise.".into(),
        "kubectl apply --server-side -f nodes.yaml".into(),
        format!("{kubectl} wait pod -l app.kubernetes.io/component=node --for=jsonpath='{{.status.phase}}'=Running --timeout=10m"),
    ];
    let timeline = [
        "kubectl apply --server-side -f chaos.yaml    # the timeline begins; each step comes a second or two late".to_owned(),
        "A kill lets the container stop (SIGTERM) and keeps it from running: what a crash leaves unwritten is not shown.".into(),
        "Latencies are added to the cluster's own.".into(),
    ];
    let end = [
        format!("{kubectl} logs -f NODE-0 >NODE.log    # from the start on: with each new container begins a new log"),
        format!("{kubectl} exec NODE-0 -- /masternode status --config /etc/lockstep/config.toml"),
        "lockstep replay *.log --run    # makes a scenario of what the logs show and runs it in the simulation:".into(),
        "  no verdict on the expectations above, which only `lockstep run` judges; `lockstep certify --attach` judges one node".into(),
        format!("kubectl delete namespace {}", names.namespace),
        "Nodes look up each other's addresses when their pods start. A pod that is made anew has another address: restart all then.".into(),
        "kubectl apply --server-side -f shards.yaml    # alone: the scenario in the simulation with many seeds, judged".into(),
        "  The project builds no such image: it needs `lockstep` as /lockstep. Each pod's log is its results:".into(),
        format!("  {kubectl} logs POD >I.json; lockstep merge *.json"),
    ];
    begin.into_iter().chain(timeline.into_iter().filter(|_| chaos)).chain(end).collect()
}

impl Names {
    /// These nodes' pods.
    fn select(&self, who: &[String]) -> Target {
        Target { mode: "all", selector: Selector::of(self, who) }
    }
}
