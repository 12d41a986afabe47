//! When a peer may be dialled again (Phase 2, D-25).
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::text::Text;

/// All peers that could not be reached, or were lost.
#[derive(Debug, Default)]
pub struct Dials(BTreeMap<IpAddr, Entry>);

#[derive(Debug, Default)]
struct Entry {
    failures: u32,
    steps: u32,
    not_before: Duration,
}

impl Dials {
    /// A dial failed, or the connection is gone `lasted` after its handshake.
    pub fn failed(&mut self, ip: IpAddr, lasted: Duration, now: Duration, text: &Text) {
        let entry = self.0.entry(ip).or_default();
        if lasted >= text.good_connection() {
            (entry.failures, entry.steps) = (0, 0);
        } else {
            entry.failures += 1;
        }
        entry.not_before = now + text.back_off(text.whitelist.contains(&ip), entry.failures, entry.steps);
        entry.steps += 1;
    }

    /// How much too early a dial is, and after how many failures in a row.
    pub fn too_early(&self, ip: IpAddr, now: Duration) -> Option<(Duration, u32)> {
        let entry = self.0.get(&ip)?;
        let early = entry.not_before.checked_sub(now)?;
        (!early.is_zero()).then_some((early, entry.failures))
    }
}
