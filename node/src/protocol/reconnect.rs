//! Whom to dial, and when again (Phase 2, D-25).
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::mutant::{self, Mutant};
use super::status::{BackOffStatus, Role, ms};
use super::timing::Timing;

/// Everybody that the configuration names.
#[derive(Debug, Default)]
pub(super) struct Dialler(BTreeMap<IpAddr, Entry>);

#[derive(Debug)]
struct Entry {
    port: Option<u16>,
    whitelisted: bool,
    /// Doublings since the last good connection.
    step: u32,
    /// Consecutive failures.
    failures: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Dial when due.
    Waiting(Duration),
    /// Under way.
    Dialling,
    /// A connection exists, whoever dialled it.
    Connected,
}

/// What a lost connection or a failed dial leads to.
#[derive(Debug, PartialEq)]
pub(super) struct Retry {
    pub whitelisted: bool,
    pub after: Duration,
    /// The peer is given up from now on: after this many failures.
    pub gave_up: Option<u32>,
}

impl Dialler {
    /// Dials `ip` at once.
    pub fn add(&mut self, ip: IpAddr, port: Option<u16>, whitelisted: bool, now: Duration) {
        let entry = Entry { port, whitelisted, step: 0, failures: 0, state: State::Waiting(now) };
        let known = self.0.entry(ip).or_insert(entry);
        known.whitelisted |= whitelisted;
    }

    /// Who is due, with the port. The caller dials or postpones each.
    pub fn due(&self, now: Duration) -> Vec<(IpAddr, Option<u16>)> {
        let is_due = |entry: &Entry| matches!(entry.state, State::Waiting(at) if at <= now);
        self.0.iter().filter(|(_, entry)| is_due(entry)).map(|(ip, entry)| (*ip, entry.port)).collect()
    }

    /// When somebody is due.
    pub fn next(&self) -> Option<Duration> {
        let at = |entry: &Entry| match entry.state {
            State::Waiting(at) => Some(at),
            _ => None,
        };
        self.0.values().filter_map(at).min()
    }

    /// A dial leaves.
    pub fn dialling(&mut self, ip: IpAddr) {
        self.set(ip, State::Dialling);
    }

    /// Not now.
    pub fn postpone(&mut self, ip: IpAddr, until: Duration) {
        self.set(ip, State::Waiting(until));
    }

    /// A connection is established, whoever dialled it.
    pub fn connected(&mut self, ip: IpAddr) {
        self.set(ip, State::Connected);
    }

    /// The dial failed, or the connection is gone after `lasted` since its Ack (zero where there was none).
    pub fn lost(&mut self, ip: IpAddr, lasted: Duration, now: Duration, timing: &Timing) -> Option<Retry> {
        let entry = self.0.get_mut(&ip)?;
        if lasted >= timing.good_connection || mutant::is(Mutant::RedialsForEver) {
            (entry.step, entry.failures) = (0, 0);
        } else {
            entry.failures += 1;
        }
        let (first, cap, failures_max) = timing.back_off(entry.whitelisted);
        let step = if mutant::is(Mutant::FlatBackOff) { 0 } else { entry.step.min(16) };
        let mut after = first.saturating_mul(1 << step).min(cap);
        entry.step += 1;
        let gave_up = (entry.failures >= failures_max).then_some(entry.failures);
        if gave_up.is_some() {
            after = timing.given_up;
        }
        entry.state = State::Waiting(now + after);
        Some(Retry { whitelisted: entry.whitelisted, after, gave_up: gave_up.filter(|n| *n == failures_max) })
    }

    /// Who failed and waits for the next dial.
    pub fn statuses(&self, now: Duration) -> Vec<BackOffStatus> {
        let waits = |(ip, entry): (&IpAddr, &Entry)| match entry.state {
            State::Waiting(at) if entry.failures > 0 => Some(BackOffStatus {
                ip: *ip,
                role: Role::of(entry.whitelisted),
                failures: entry.failures,
                next_dial_ms: ms(at.saturating_sub(now)),
            }),
            _ => None,
        };
        self.0.iter().filter_map(waits).collect()
    }

    fn set(&mut self, ip: IpAddr, state: State) {
        if let Some(entry) = self.0.get_mut(&ip) {
            entry.state = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn delays(whitelisted: bool, failures: usize) -> Vec<u64> {
        let timing = Timing::new(&Config::default());
        let ip = IpAddr::from([10, 0, 0, 1]);
        let mut dialler = Dialler::default();
        dialler.add(ip, None, whitelisted, Duration::ZERO);
        let lost =
            |_| dialler.lost(ip, Duration::ZERO, Duration::ZERO, &timing).map_or(0, |retry| retry.after.as_secs());
        (0..failures).map(lost).collect()
    }

    #[test]
    fn backs_off_as_phase_2_says() {
        assert_eq!(delays(true, 8), [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(delays(false, 11), [5, 10, 20, 40, 80, 160, 300, 300, 300, 3600, 3600]);
        assert_eq!(delays(true, 50)[48..], [60, 3600]);
    }

    #[test]
    fn a_good_connection_starts_over() {
        let timing = Timing::new(&Config::default());
        let ip = IpAddr::from([10, 0, 0, 1]);
        let mut dialler = Dialler::default();
        dialler.add(ip, None, false, Duration::ZERO);
        let mut lost = |secs| {
            dialler.lost(ip, Duration::from_secs(secs), Duration::ZERO, &timing).map(|retry| retry.after.as_secs())
        };
        assert_eq!([lost(0), lost(29), lost(30), lost(0)], [Some(5), Some(10), Some(5), Some(10)]);
    }
}
