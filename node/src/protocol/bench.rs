//! Peers that failed are left alone for a while (D-7, D-22). By IP: a bench survives a reconnect.
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::mark::{self, Mark};
use super::mutant::{self, Mutant};
use super::timing::Timing;

/// Who is benched until when.
#[derive(Debug, Default)]
pub(super) struct Benches(BTreeMap<IpAddr, (u32, Duration)>);

impl Benches {
    /// A failure: 1, 2, 4 … 30 min. Returns how long.
    pub fn failed(&mut self, ip: IpAddr, now: Duration, timing: &Timing) -> Duration {
        if mutant::is(Mutant::NeverBenched) {
            return Duration::ZERO;
        }
        let (failures, until) = self.0.entry(ip).or_default();
        let lasts = timing.bench.saturating_mul(1 << (*failures).min(5)).min(timing.bench_max);
        *failures += 1;
        if *failures > 3 {
            mark::reached(Mark::LongBench);
        }
        *until = if mutant::is(Mutant::BenchNeverEnds) { Duration::MAX } else { now + lasts };
        lasts
    }

    /// A good answer clears it.
    pub fn cleared(&mut self, ip: IpAddr) {
        self.0.remove(&ip);
    }

    /// When the bench ends, if it has not.
    pub fn until(&self, ip: IpAddr, now: Duration) -> Option<Duration> {
        let until = self.0.get(&ip).map(|(_, until)| *until);
        if until.is_some_and(|until| until <= now) {
            mark::reached(Mark::BenchEnded);
        }
        until.filter(|until| *until > now)
    }
}
