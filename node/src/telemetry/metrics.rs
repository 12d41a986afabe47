//! The nine metrics of the text (phase-3, Monitoring; decisions, Metrics) and the node's own.
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, Opts, Registry, TextEncoder};

use crate::protocol::Event;

/// Upper bounds in seconds for how long a sync takes: a tick, the text's budgets (60 s, 2 min, 5 min), an hour.
const SYNC_SECONDS: [f64; 9] = [1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

/// Counters and gauges of one node.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    checks: IntCounter,
    syncs_initiated: IntCounter,
    height_diff: Mutex<Mean>,
    height_diff_avg: Gauge,
    sync_duration: Histogram,
    blocks_received: IntCounter,
    sync_failures: IntCounter,
    height_deviation: Gauge,
    consensus_height: Gauge,
    behind_consensus: Gauge,
    buffered: Gauge,
    /// Bytes of blocks that the core holds.
    blocks: AtomicU64,
    /// Bytes of unfinished lines and send queues.
    sockets: Arc<AtomicUsize>,
    peers: GaugeVec,
    /// Which peers `Connected` called whitelisted: `Disconnected` doesn't say.
    whitelisted: Mutex<BTreeSet<IpAddr>>,
    height: Gauge,
    reorgs: IntCounter,
    bans: IntCounter,
    missed_pongs: IntCounter,
}

#[derive(Debug, Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let metrics = Self {
            checks: counter(&registry, "sync_coordinator_checks_total", "Total coordinator runs"),
            syncs_initiated: counter(&registry, "sync_coordinator_syncs_initiated", "Times sync was triggered"),
            height_diff: Mutex::default(),
            height_diff_avg: gauge(
                &registry,
                "sync_coordinator_height_diff_avg",
                "Average height difference detected, over all coordinator runs",
            ),
            sync_duration: registered(
                &registry,
                Histogram::with_opts(
                    HistogramOpts::new("masternode_sync_duration_seconds", "Time to sync from masternodes")
                        .buckets(SYNC_SECONDS.to_vec()),
                ),
            ),
            blocks_received: counter(&registry, "masternode_sync_blocks_received", "Blocks received from masternodes"),
            sync_failures: counter(&registry, "masternode_sync_failures", "Failed sync attempts"),
            height_deviation: gauge(&registry, "peer_height_variance", "Standard deviation of peer heights"),
            consensus_height: gauge(
                &registry,
                "masternode_consensus_height",
                "Median height of masternodes, as last known",
            ),
            behind_consensus: gauge(&registry, "local_height_behind_consensus", "How far behind we are"),
            buffered: gauge(
                &registry,
                "lockstep_buffered_bytes",
                "Bytes held for peers: blocks that are not in the chain, unfinished lines, send queues",
            ),
            blocks: AtomicU64::new(0),
            sockets: Arc::default(),
            peers: registered(&registry, GaugeVec::new(Opts::new("lockstep_peers", "Connected peers"), &["role"])),
            whitelisted: Mutex::default(),
            height: gauge(&registry, "lockstep_height", "Height of the chain's tip"),
            reorgs: counter(&registry, "lockstep_reorgs_total", "Switches to another branch"),
            bans: counter(&registry, "lockstep_bans_total", "Bans of peers"),
            missed_pongs: counter(&registry, "lockstep_missed_pongs_total", "Pings whose pong did not come in time"),
            registry,
        };
        for role in [true, false].map(role) {
            metrics.peers.with_label_values(&[role]).set(0.0);
        }
        metrics
    }
}

impl Metrics {
    /// All metrics in Prometheus' text format, ordered by name.
    pub fn render(&self) -> String {
        let sockets = self.sockets.load(Ordering::Relaxed) as f64;
        self.buffered.set(self.blocks.load(Ordering::Relaxed) as f64 + sockets);
        TextEncoder::new().encode_to_string(&self.registry.gather()).expect("every metric has a name and a value")
    }

    /// The bytes that sockets hold: whoever fills and empties their buffers counts here.
    pub fn sockets(&self) -> Arc<AtomicUsize> {
        self.sockets.clone()
    }

    pub(super) fn update(&self, event: &Event) {
        match event {
            Event::Started { height, .. }
            | Event::Appended { height, .. }
            | Event::Reorg { new_height: height, .. } => {
                self.height.set(*height as f64);
                self.update_lag();
                if matches!(event, Event::Reorg { .. }) {
                    self.reorgs.inc();
                }
            }
            Event::Checked { our, consensus, deviation, initiated } => {
                self.checks.inc();
                self.syncs_initiated.inc_by(u64::from(*initiated));
                self.height_deviation.set(*deviation);
                self.height.set(*our as f64);
                if let Some(consensus) = consensus {
                    self.consensus_height.set(*consensus as f64);
                }
                self.update_lag();
                // A run that knows no height detects no difference.
                let lag = consensus.unwrap_or(0).saturating_sub(*our) as f64;
                let mut mean = self.height_diff.lock().unwrap_or_else(PoisonError::into_inner);
                mean.sum += lag;
                mean.count += 1.0;
                self.height_diff_avg.set(mean.sum / mean.count);
            }
            Event::SyncFinished { took } => self.sync_duration.observe(took.as_secs_f64()),
            Event::Received { count, whitelisted: true, .. } => self.blocks_received.inc_by(*count),
            Event::RequestFailed { whitelisted: true, .. } => self.sync_failures.inc(),
            Event::Buffered { bytes } => self.blocks.store(*bytes, Ordering::Relaxed),
            Event::Connected { ip, whitelisted, .. } => {
                if *whitelisted {
                    self.whitelisted.lock().unwrap_or_else(PoisonError::into_inner).insert(*ip);
                }
                self.peers.with_label_values(&[role(*whitelisted)]).inc();
            }
            Event::Disconnected { ip, .. } => {
                let known = self.whitelisted.lock().unwrap_or_else(PoisonError::into_inner).contains(ip);
                self.peers.with_label_values(&[role(known)]).dec();
            }
            Event::Banned { .. } => self.bans.inc(),
            Event::PongMissed { .. } => self.missed_pongs.inc(),
            _ => {}
        }
    }

    fn update_lag(&self) {
        let lag = self.consensus_height.get() - self.height.get();
        self.behind_consensus.set(lag.max(0.0));
    }
}

fn role(whitelisted: bool) -> &'static str {
    if whitelisted { "whitelisted" } else { "regular" }
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    registered(registry, IntCounter::new(name, help))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Gauge {
    registered(registry, Gauge::new(name, help))
}

fn registered<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let metric = made.expect("names and buckets are literals");
    registry.register(Box::new(metric.clone())).expect("each name is used once");
    metric
}
