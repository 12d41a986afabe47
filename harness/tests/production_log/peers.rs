//! What a production node says of its peers: who comes and goes, and whether they answer.
use super::host::{CHAIN, CLIENT, Host, PEER, SERVER, Side};

impl Host<'_> {
    pub fn connected(&mut self, ip: &str, outbound: bool) {
        self.ports = self.ports.wrapping_add(211);
        self.open.insert((ip.to_owned(), outbound), 40_000 + self.ports % 20_000);
        if outbound {
            self.info(CLIENT, format!("✓ Connected to peer: {ip}"));
            self.info(PEER, format!("🤝 [Outbound] Sent handshake to {ip}"));
            for line in self.early.remove(ip).unwrap_or_default() {
                self.info(PEER, line);
            }
            self.info(PEER, format!("🤝 Handshake completed with {ip}"));
        } else {
            let peer = self.address(ip, false);
            self.info(SERVER, format!("🔌 New peer connection from: {peer}"));
            self.info(SERVER, format!("✅ Handshake accepted from {peer} (network: Testnet)"));
        }
        if self.whitelisted(ip) {
            self.info(PEER, format!("🛡️ Marked {ip} as whitelisted masternode with enhanced protection"));
        }
    }

    pub fn disconnected(&mut self, ip: &str, outbound: bool, by_us: &str, reason: &str) {
        let peer = self.address(ip, outbound);
        self.open.remove(&(ip.to_owned(), outbound));
        self.pending.remove(&(ip.to_owned(), outbound));
        match (by_us == "true", outbound) {
            (true, _) if reason == "duplicate" => self.info(PEER, format!("🔁 Closing duplicate connection to {peer}")),
            (true, true) => {
                self.warn(PEER, format!("🔌 [Outbound] Disconnecting {ip} due to timeout"));
                self.info(CLIENT, format!("Connection to {ip} ended gracefully"));
            }
            (true, false) => {}
            (false, true) => self.closed_by_peer(ip),
            (false, false) => self.info(SERVER, format!("🔌 Peer {peer} disconnected (EOF)")),
        }
    }

    pub fn closed_by_peer(&mut self, ip: &str) {
        self.info(PEER, format!("🔌 [Outbound] Connection to {ip} closed by peer (EOF)"));
        self.info(CLIENT, format!("Connection to {ip} ended gracefully"));
    }

    pub fn pong(&mut self, ip: &str, nonce: u64, height: Option<u64>) {
        let holds = |side: &Side| self.pending.get(side).is_some_and(|pings| pings.contains(&nonce));
        let Some(side) = [true, false].map(|outbound| (ip.to_owned(), outbound)).into_iter().find(holds) else {
            return;
        };
        let pings = self.pending.entry(side.clone()).or_default();
        pings.retain(|ping| *ping != nonce);
        let remain = pings.len();
        if !self.open.contains_key(&side) {
            return;
        }
        if side.1 {
            let at = height.map(|height| format!("at height {height}  ")).unwrap_or_default();
            self.info(PEER, format!("📨 [Outbound] Received pong from {ip} {at}(nonce: {nonce})"));
            self.info(
                PEER,
                format!("✅ [Outbound] Pong MATCHED for {ip} (nonce: {nonce}), {remain} pending pings remain"),
            );
        }
        self.learns(ip, height);
    }

    /// A new height is worth a line where no other tells it.
    pub fn learns(&mut self, ip: &str, height: Option<u64>) {
        let Some(height) = height else { return };
        if self.told.insert(ip.to_owned(), height) != Some(height) {
            self.info(CHAIN, format!("📊 Peer {ip} has height {height}"));
        }
    }

    pub fn whitelisted(&self, ip: &str) -> bool {
        self.scenario.nodes[self.name].whitelists.iter().any(|listed| listed.to_string() == ip)
    }

    /// With the port that it dialled from, where it did.
    pub fn address(&self, ip: &str, outbound: bool) -> String {
        match self.open.get(&(ip.to_owned(), outbound)).filter(|_| !outbound) {
            Some(port) => format!("{ip}:{port}"),
            None => ip.to_owned(),
        }
    }
}
