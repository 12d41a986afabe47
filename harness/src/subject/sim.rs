//! Scenarios in a simulated network: the real node, its sockets and clocks turmoil's, in one thread.
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use node::config::Config;
use node::runtime::{Parts, run};
use node::store::MemoryStore;
use node::telemetry::Telemetry;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tracing::level_filters::LevelFilter;

use super::agenda::Agenda;
use super::change::fates;
use super::exposition;
use super::fabric::Fabric;
use super::gate::Gate;
use super::link_fault::{LinkFaults, Links, set_links};
use super::log_capture::{Attributed, Capture};
use super::node_config::config;
use super::sim_clock::SimClock;
use super::sim_fault::Machines;
use super::sim_net::{SimNet, turmoil_builder};
use super::sim_store::SimStore;
use super::stage::{Stage, take};
use super::watched::watched;
use super::{LATENCY, Tell};
use crate::fault::SimTime;
use crate::fault::link::{LinkParams, LinkStats};
use crate::history::{History, Meta, Observation, What};
use crate::peer::{Chains, PORT, Scripted};
use crate::scenario::Scenario;
use crate::scenario::resolved::{Direction, Node};

/// With varied starting times a node starts earlier than this after its own.
const LATEST_START: Duration = Duration::from_secs(1);
/// Between two samples of the metrics.
const SAMPLE: Duration = Duration::from_secs(10);
/// The turmoil host of all scripted peers.
const PEERS_HOST: &str = "10.255.255.1";

/// How a run differs from the scenario's own, besides its seed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Variation {
    /// Ticks (0.6 to 4 times the scenario's), latencies and starting times differ by the seed: exact ticks hide bugs.
    pub jitter: bool,
}

/// The simulation itself failed: neither the node nor the scenario is to blame.
#[derive(Debug, thiserror::Error)]
#[error("the simulation failed: {0}")]
pub struct SimError(pub(super) String);

type Log = Arc<Mutex<Vec<Observation>>>;

/// Runs `scenario` once. The same arguments give the same history, byte for byte.
///
/// # Errors
/// A node that refuses its configuration, or a panic of the simulation.
pub fn simulate(
    scenario: &Scenario,
    chains: &Chains,
    seed: u64,
    variation: Variation,
    tell: Tell<'_>,
) -> Result<History, SimError> {
    let log = Log::default();
    let names: Vec<String> = scenario.nodes.keys().cloned().collect();
    let capture = {
        let (log, names) = (log.clone(), names.clone());
        Capture(LevelFilter::DEBUG, move |node: usize, what| {
            push(&log, turmoil::sim_elapsed().unwrap_or_default(), &names[node], what)
        })
    };
    let found = {
        let (log, names) = (log.clone(), names.clone());
        move |node: usize, what| push(&log, turmoil::sim_elapsed().unwrap_or_default(), &names[node], what)
    };
    watched(names.len(), found, || {
        tracing::subscriber::with_default(capture, || Run::new(scenario, chains, seed, variation, log)?.play(tell))
    })
}

struct Run<'a> {
    scenario: &'a Scenario,
    seed: u64,
    sim: turmoil::Sim<'a>,
    log: Log,
    fabric: Fabric,
    links: LinkFaults<Fabric>,
    machines: Machines,
    telemetry: BTreeMap<String, Arc<Mutex<Arc<Telemetry>>>>,
    directions: BTreeMap<String, UnboundedSender<Direction>>,
    names: BTreeMap<IpAddr, String>,
}

impl<'a> Run<'a> {
    fn new(
        scenario: &'a Scenario,
        chains: &Chains,
        seed: u64,
        variation: Variation,
        log: Log,
    ) -> Result<Self, SimError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x006c_6f63_6b73_7465);
        let tick = if variation.jitter { scenario.tick.mul_f64(rng.random_range(0.6..4.0)) } else { scenario.tick };
        let tick = Duration::from_millis((tick.as_micros() as u64).div_ceil(1000).max(1));
        let mut sim = turmoil_builder(seed, tick, scenario.nodes.len() + 1).build();
        let fabric = Fabric::new(seed, LinkParams { latency: LATENCY, ..LinkParams::default() });
        let ips: BTreeMap<String, IpAddr> = scenario
            .nodes
            .iter()
            .map(|(name, node)| (name.clone(), node.ip))
            .chain(scenario.peers.iter().map(|(name, peer)| (name.clone(), peer.ip)))
            .map(|(name, ip)| (name, IpAddr::V4(ip)))
            .collect();
        let names = ips.iter().map(|(name, ip)| (*ip, name.clone())).collect();
        let mut links = LinkFaults::new(fabric.clone(), ips.clone(), 1);
        if variation.jitter {
            vary_links(&ips, &mut links, &mut rng);
        }
        set_links(scenario, &mut links);
        let mut machines = Machines::default();
        let mut telemetry = BTreeMap::new();
        for (number, (name, node)) in scenario.nodes.iter().enumerate() {
            let delay = if variation.jitter { rng.random_range(Duration::ZERO..LATEST_START) } else { Duration::ZERO };
            let host = Host::new(scenario, name, number, node, chains, &fabric, seed, node.starts_at + delay, &log)?;
            machines.add(name, host.gate.clone(), host.clock.clone());
            telemetry.insert(name.clone(), host.telemetry.clone());
            sim.host(node.ip.to_string(), move || host.clone().run());
        }
        let directions = set_peers(scenario, chains, &fabric, &ips, seed, &log, &mut sim);
        Ok(Self { scenario, seed, sim, log, fabric, links, machines, telemetry, directions, names })
    }

    fn play(mut self, tell: Tell<'_>) -> Result<History, SimError> {
        let mut agenda = Agenda::of(self.scenario, self.seed);
        let mut sampled = Duration::ZERO;
        while self.sim.elapsed() < self.scenario.runs_for {
            let now = self.sim.elapsed();
            for (id, turn) in agenda.due(now) {
                take(&mut self, id, turn, now);
            }
            if now >= sampled + SAMPLE {
                sampled = now;
                self.sample(now);
                tell(now);
            }
            self.sim.step().map_err(|error| SimError(error.to_string()))?;
            self.note_connections();
        }
        let now = self.sim.elapsed();
        for (id, turn) in agenda.due(now) {
            take(&mut self, id, turn, now);
        }
        self.sample(now);
        let is_node = |ip| self.scenario.nodes.values().any(|node| IpAddr::V4(node.ip) == ip);
        push(&self.log, now, "harness", self.fabric.totals(is_node));
        push(&self.log, now, "harness", What::Ended);
        drop(self.sim);
        let parties = self.scenario.nodes.iter().map(|(name, node)| (name.clone(), node.ip));
        let parties = parties.chain(self.scenario.peers.iter().map(|(name, peer)| (name.clone(), peer.ip))).collect();
        let mut history =
            History::new(Meta { scenario: self.scenario.name.clone(), seed: self.seed, parties, ..Meta::default() });
        let log = std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner));
        for observation in log {
            history.push(observation);
        }
        Ok(history)
    }

    /// What happened to connections, seen from each node at their ends.
    fn note_connections(&mut self) {
        for event in self.fabric.drain_events() {
            for (us, them, fate) in fates(event.from, event.to, event.change) {
                if let Some(name) = self.names.get(&us).filter(|name| self.scenario.nodes.contains_key(*name)) {
                    push(&self.log, event.at, name, What::Connection { fate: fate.into(), peer: them.to_string() });
                }
            }
        }
    }

    fn sample(&mut self, now: SimTime) {
        for (name, telemetry) in &self.telemetry {
            let telemetry = telemetry.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let metrics = exposition::values(&telemetry.metrics().render());
            push(&self.log, now, name, What::Metrics(metrics));
        }
    }
}

impl Stage for Run<'_> {
    type Network = Fabric;

    fn faults(&mut self) -> (&mut LinkFaults<Fabric>, &mut Machines) {
        (&mut self.links, &mut self.machines)
    }

    fn seen(&mut self, now: SimTime, source: &str, what: What) {
        push(&self.log, now, source, what);
    }

    fn down(&mut self, name: &str, power_loss: bool, now: SimTime) {
        let ip = self.scenario.nodes[name].ip;
        self.fabric.host_down(ip.into(), power_loss, now);
        self.sim.crash(ip.to_string());
    }

    fn up(&mut self, name: &str, now: SimTime) {
        let ip = self.scenario.nodes[name].ip;
        self.fabric.host_up(ip.into(), now);
        self.sim.bounce(ip.to_string());
    }

    fn runs(&mut self, name: &str) -> bool {
        let ip = self.scenario.nodes[name].ip.to_string();
        self.sim.is_host_running(ip)
    }

    fn direct(&mut self, peer: &str, direction: &Direction) {
        if let Some(to) = self.directions.get(peer) {
            // The peer plays to the end of the run.
            let _ = to.send(direction.clone());
        }
    }
}

impl Links for Fabric {
    fn set(&self, from: IpAddr, to: IpAddr, params: LinkParams, now: SimTime) {
        self.set_link(from, to, params, now);
    }

    fn get(&self, from: IpAddr, to: IpAddr, now: SimTime) -> LinkParams {
        self.link(from, to, now)
    }

    fn stats(&self, from: IpAddr, to: IpAddr) -> LinkStats {
        Fabric::stats(self, from, to)
    }
}

/// What makes a node's process, again after each restart.
#[derive(Clone)]
struct Host {
    number: usize,
    config: Config,
    net: SimNet,
    gate: Gate,
    clock: SimClock,
    store: Arc<SimStore>,
    telemetry: Arc<Mutex<Arc<Telemetry>>>,
    seed: u64,
    starts_at: Duration,
    started: Arc<AtomicBool>,
    /// Who is not there yet has no chain to agree on.
    silent: Arc<AtomicBool>,
}

impl Host {
    #[allow(clippy::too_many_arguments, reason = "one call site")]
    fn new(
        scenario: &Scenario,
        name: &str,
        number: usize,
        node: &Node,
        chains: &Chains,
        fabric: &Fabric,
        seed: u64,
        starts_at: Duration,
        log: &Log,
    ) -> Result<Self, SimError> {
        let config = config(scenario, name, node, chains).map_err(|error| SimError(error.to_string()))?;
        let seen = {
            let (log, name) = (log.clone(), name.to_owned());
            Arc::new(move |ancestor, tip: node::chain::Tip, broken| {
                let what = What::Chain { ancestor, height: tip.height, tip: tip.hash.to_string(), broken };
                push(&log, turmoil::sim_elapsed().unwrap_or_default(), &name, what);
            })
        };
        let chain = MemoryStore::with_blocks(chains.blocks(&node.chain).upto(node.chain.height));
        let chain = chain.map_err(|error| SimError(error.to_string()))?;
        let store = SimStore::new(chain, node.disk, seen);
        let starts_late = !node.starts_at.is_zero();
        if !starts_late {
            store.tell(0);
        }
        let gate = Gate::default();
        Ok(Self {
            number,
            config,
            net: SimNet::new(fabric.clone(), node.ip.into(), gate.clone()),
            gate,
            clock: SimClock::default(),
            store: Arc::new(store),
            telemetry: Arc::default(),
            seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number as u64),
            starts_at,
            started: Arc::default(),
            silent: Arc::new(starts_late.into()),
        })
    }

    async fn run(self) -> turmoil::Result {
        if !self.started.swap(true, Ordering::Relaxed) {
            tokio::time::sleep(self.starts_at).await;
        }
        if self.silent.swap(false, Ordering::Relaxed) {
            self.store.tell(0);
        }
        let telemetry = Arc::new(Telemetry::new());
        *self.telemetry.lock().unwrap_or_else(PoisonError::into_inner) = telemetry.clone();
        let started = turmoil::sim_elapsed().unwrap_or_default().as_nanos() as u64;
        let parts = Parts {
            network: self.net,
            store: self.store,
            clock: Arc::new(self.clock),
            telemetry,
            // Another life, other nonces.
            seed: self.seed ^ started.rotate_left(17),
            status: None,
        };
        let process = run(self.config, parts, std::future::pending());
        self.gate.wrap(Attributed::new(self.number, process)).await?;
        Ok(())
    }
}

/// Each link's jitter is drawn.
fn vary_links(ips: &BTreeMap<String, IpAddr>, links: &mut LinkFaults<Fabric>, rng: &mut ChaCha8Rng) {
    for from in ips.values() {
        for to in ips.values().filter(|to| *to != from) {
            let mut params = links.base(*from, *to);
            params.jitter = Duration::from_micros(rng.random_range(0..3000));
            links.set_base(*from, *to, params, Duration::ZERO);
        }
    }
}

fn set_peers<'a>(
    scenario: &Scenario,
    chains: &Chains,
    fabric: &Fabric,
    ips: &BTreeMap<String, IpAddr>,
    seed: u64,
    log: &Log,
    sim: &mut turmoil::Sim<'a>,
) -> BTreeMap<String, UnboundedSender<Direction>> {
    let mut directions = BTreeMap::new();
    let mut cast = Vec::new();
    for (name, peer) in &scenario.peers {
        let (to, receiver) = unbounded_channel();
        directions.insert(name.clone(), to);
        let (log, source) = (log.clone(), name.clone());
        cast.push(Scripted {
            name: name.clone(),
            peer: peer.clone(),
            network: SimNet::new(fabric.clone(), peer.ip.into(), Gate::default()),
            chains: chains.clone(),
            nodes: ips.iter().map(|(name, ip)| (name.clone(), SocketAddr::new(*ip, PORT))).collect(),
            port: PORT,
            directions: receiver,
            record: Arc::new(move |what| push(&log, turmoil::sim_elapsed().unwrap_or_default(), &source, what)),
            fates: None,
            clock: Arc::new(SimClock::default()),
            seed,
            began: None,
            time_scale: 1,
        });
    }
    if !cast.is_empty() {
        // This host is never restarted: its cast is taken once.
        let cast = Mutex::new(Some(cast));
        sim.host(PEERS_HOST, move || {
            let cast = cast.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
            async move {
                let mut playing = tokio::task::JoinSet::new();
                for peer in cast {
                    playing.spawn(crate::peer::run(peer));
                }
                while let Some(ended) = playing.join_next().await {
                    ended??;
                }
                Ok(())
            }
        });
    }
    directions
}

fn push(log: &Log, at: SimTime, source: &str, what: What) {
    log.lock().unwrap_or_else(PoisonError::into_inner).push(Observation { at, source: source.to_owned(), what });
}
