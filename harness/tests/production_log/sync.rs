//! What a production node says while it catches up, or fails to.
use std::time::Duration;

use harness::history::{What, short};

use super::host::{CHAIN, Host, PEER};

/// An attempt to catch up.
pub(super) struct Sync {
    pub since: Duration,
    pub target: u64,
}

impl Host<'_> {
    pub fn behind(&mut self, ip: &str, target: u64) {
        let (our, ahead) = (self.height, target.saturating_sub(self.height));
        let found = format!("Found masternode {ip} at height {target} ({ahead} blocks ahead of us at {our})");
        self.info(CHAIN, format!("🔄 Sync coordinator: {found}"));
        self.begin(target);
    }

    pub fn begin(&mut self, target: u64) {
        let (our, ahead) = (self.height, target.saturating_sub(self.height));
        match &mut self.sync {
            Some(sync) => sync.target = target,
            None => self.sync = Some(Sync { since: self.at, target }),
        }
        self.info(CHAIN, format!("⏳ Syncing from peers: {our} → {target} ({ahead} blocks behind)"));
        self.info(CHAIN, format!("🔄 Starting sync loop: current={our}, expected={target}, timeout=60s"));
    }

    pub fn received(&mut self, side: &str, ip: &str, count: u64, start: u64, end: u64) {
        let took = self.at.saturating_sub(self.asked.get(ip).copied().unwrap_or(self.at)).as_secs();
        self.sent.insert(ip.to_owned(), (count, end, took));
        let range = format!("{count} blocks (height {start}-{end})");
        self.info(PEER, format!("📥 [{side}] Received {range} from {ip} (our height: {})", self.height));
    }

    pub fn appended(&mut self, height: u64, count: u64) {
        let Some(Sync { target, .. }) = self.sync else { return };
        let from = self.sent.iter().find(|(_, (_, end, _))| *end == height);
        if let Some((ip, (.., took))) = from {
            let range = format!("{} → {height} from {ip} ({count} blocks in {took}s)", height - count);
            self.info(CHAIN, format!("✅ Block sync progress: {range}"));
        }
        if height >= target {
            self.sync = None;
            self.info(CHAIN, format!("✅ Sync complete at height {height}"));
        }
    }

    pub fn failed(&mut self, ip: &str, start: u64, reason: &str) {
        let (height, target) = (self.height, self.sync.as_ref().map_or(self.height, |sync| sync.target));
        let sent = self.sent.get(ip).map_or(0, |(count, ..)| *count);
        match reason {
            "no answer in time" => self.warn(CHAIN, format!("⏱️ Sync timeout at height {height} (target: {target})")),
            "connection closed" => {
                self.warn(CHAIN, format!("⚠️ Sync incomplete at height {height} (time-based target: {target})"));
            }
            "only blocks we hold already" => self.warn(CHAIN, format!("⏭️ All {sent} blocks skipped from {ip}")),
            "nothing that links" => {
                self.warn(CHAIN, format!("🔀 Fork detected: block {start} previous_hash mismatch"));
                let hashes = self.parent(ip, start).map(|got| format!(": expected {}, got {got}", hash16(&self.tip)));
                let why = format!("Block {start} previous_hash mismatch{}", hashes.unwrap_or_default());
                self.warn(CHAIN, format!("⏭️ [Outbound] Skipped block {start}: {why}"));
                self.warn(CHAIN, format!("⏭️ All {sent} blocks skipped from {ip}"));
            }
            _ => {}
        }
    }

    /// The previous hash in a block that a node sent: its own block below.
    fn parent(&self, ip: &str, start: u64) -> Option<String> {
        let name = self.history.meta().name_of(ip)?;
        self.history.observations().iter().filter(|seen| seen.source == name && seen.at <= self.at).rev().find_map(
            |seen| match &seen.what {
                What::Chain { height, tip, .. } if height + 1 == start => Some(hash16(tip).to_owned()),
                _ => None,
            },
        )
    }
}

fn hash16(hash: &str) -> &str {
    hash.get(..16).unwrap_or(short(hash))
}
