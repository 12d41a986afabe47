//! How long convergence may take after the last fault and the last stage direction: a sum of the timers that may still run then.
use super::chains::Chains;
use super::faults::storm;
use super::liars::Liars;
use super::links::Links;
use super::settings::Settings;
use super::swarm::Swarm;
use super::topology::Topology;

/// Success criteria: "Fork resolution completes within 5 minutes for masternodes".
const FORK: u64 = 300;
/// D-7: the first bench; it doubles.
const BENCH: u64 = 60;
/// D-3: who found nobody to ask instead looks again after this long.
const HEDGE_AGAIN: u64 = 30;
/// Phase 1: between two pings.
const PING: u64 = 30;
/// To dial and to shake hands, and what is lost on the way.
const REACH: u64 = 10;

/// All that it depends on.
pub struct Situation<'a> {
    pub swarm: &'a Swarm,
    pub topology: &'a Topology,
    pub chains: &'a Chains,
    pub links: &'a Links,
    pub settings: &'a Settings,
    pub liars: &'a Liars,
    /// Seconds between two blocks, where some are made.
    pub every: Option<u64>,
    /// Whether branches may have to be compared: built ones, those of liars, or of several that make blocks.
    pub branches: bool,
    /// Milliseconds of a durable write.
    pub disk: u64,
}

/// The sum and its parts.
pub struct Budget(Vec<(u64, String)>);

impl Budget {
    pub fn of(situation: &Situation<'_>) -> Self {
        let Situation { swarm, topology, chains, links, settings, liars, every, branches, disk } = *situation;
        let interval = settings.interval;
        let mut parts = vec![(REACH, "to dial and to shake hands".to_owned())];
        let mut add = |seconds, why: String| parts.push((seconds, why));
        let storm = storm(links.lossy());
        if swarm.silences() {
            let times = if links.lossy() { 2 } else { 1 };
            let more = if times > 1 { ", and may lose one more" } else { "" };
            add(
                storm * times,
                format!("until TCP tries again what a silence of {storm}s held back: its timeout doubles{more}"),
            );
        } else if swarm.closes() {
            add(PING, "until a ping meets a connection that is gone".to_owned());
        }
        let back = chains.longest_way_back();
        let transfer = settings.transfer(back, links, disk);
        let looks = 3 + topology.hops();
        let hop = topology.hops() * transfer;
        if branches {
            let compared = FORK.max(looks * interval + 2 * BENCH + hop);
            add(
                compared,
                "to resolve forks: five minutes (success criteria), benches and the fetching of a branch included"
                    .into(),
            );
        } else {
            if swarm.closes() {
                let bench = BENCH << (closings(branches) - 1);
                add(
                    bench,
                    format!(
                        "bench of a peer whose connection ended {} times with a request open (D-22)",
                        closings(branches)
                    ),
                );
            }
            add(
                looks * interval,
                format!(
                    "{looks} looks of the coordinator, one each {interval}s: median, leader, once more, and one a hop"
                ),
            );
            add(hop, "to fetch the longest way between two nodes over the slowest line".to_owned());
        }
        if liars.slow > 0 {
            // Three ranges are under way at once (D-2).
            let rounds = back.div_ceil(3 * settings.batch).max(1);
            let stalls = liars.slow * (rounds * settings.hedge + HEDGE_AGAIN);
            add(
                stalls,
                format!(
                    "{} liars keep each of {rounds} rounds waiting for {}s before another is asked, and {HEDGE_AGAIN}s where all are busy (D-3)",
                    liars.slow, settings.hedge
                ),
            );
        }
        if liars.list.iter().any(|liar| !liar.whitelisted) {
            add(
                2 * HEDGE_AGAIN,
                "a range that was asked of a regular liar is asked of a masternode too (D-3)".to_owned(),
            );
        }
        if let Some(every) = every {
            add(2 * every + 30, format!("a block each {every}s, and a clock that was 30s ahead (D-14)"));
        }
        Self(parts)
    }

    /// Seconds.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(seconds, _)| seconds).sum()
    }

    /// `10s to dial …`, one each.
    pub fn parts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(seconds, why)| format!("{seconds}s {why}"))
    }
}

/// How often connections to one node may end: each end doubles a bench.
pub fn closings(branches: bool) -> u64 {
    if branches { 1 } else { 2 }
}
