//! A scenario's addresses where no namespace gives them: each party stands at one of 127.0.0.0/8, and logs are read as if it didn't.
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::peer::PORT;
use crate::scenario::Scenario;

/// Parties that find room.
pub const ROOM: usize = 150;
/// Networks to choose from: 127.64.0.0/24 to 127.127.255.0/24.
const NETWORKS: u32 = 64 << 8;
/// In each network, the address that is held by the run that uses the others. Parties' last numbers have three digits, so that none is the
/// beginning of another.
const HELD: u8 = 99;

/// Real addresses by those of the scenario; other runs use others.
#[derive(Debug, Clone, Default)]
pub struct AddressBook {
    real: BTreeMap<Ipv4Addr, Ipv4Addr>,
    _held: Option<Arc<TcpListener>>,
}

impl AddressBook {
    /// Moves every address that `scenario` has to one of 127.0.0.0/8.
    ///
    /// # Errors
    /// No network is free.
    pub fn loopback(scenario: &mut Scenario) -> io::Result<Self> {
        Self::taking(scenario, BTreeMap::new(), Vec::new())
    }

    /// As [`AddressBook::loopback`], but addresses of `known` are moved where that says, and others to those of `free` while there are any.
    ///
    /// # Errors
    /// No network is free.
    pub fn taking(
        scenario: &mut Scenario,
        known: BTreeMap<Ipv4Addr, Ipv4Addr>,
        free: Vec<Ipv4Addr>,
    ) -> io::Result<Self> {
        let (network, held) = free_network()?;
        let mut real = known;
        let mut free = free.into_iter();
        let mut moved = |ip: &mut Ipv4Addr| {
            let [a, b, c, _] = network.octets();
            let next = || Ipv4Addr::new(a, b, c, HELD.saturating_add(1).saturating_add(real.len() as u8));
            *ip = match real.get(ip) {
                Some(real) => *real,
                None => {
                    let next = free.next().unwrap_or_else(next);
                    real.insert(*ip, next);
                    next
                }
            };
        };
        for node in scenario.nodes.values_mut() {
            let lists = [&mut node.whitelists, &mut node.whitelists_again, &mut node.blacklists, &mut node.dials];
            lists.into_iter().flatten().chain([&mut node.ip]).for_each(&mut moved);
        }
        scenario.peers.values_mut().for_each(|peer| moved(&mut peer.ip));
        Ok(Self { real, _held: Some(Arc::new(held)) })
    }

    /// `text` with the scenario's addresses instead of the real ones.
    pub fn translate(&self, text: &str) -> String {
        let translated =
            |text: String, (ip, real): (&Ipv4Addr, &Ipv4Addr)| text.replace(&real.to_string(), &ip.to_string());
        self.real.iter().fold(text.to_owned(), translated)
    }
}

/// How often one was looked for.
static TAKEN: AtomicU32 = AtomicU32::new(0);

/// A network that no other run uses, and what shows that it is taken.
fn free_network() -> io::Result<(Ipv4Addr, TcpListener)> {
    let mut refused = None;
    // Not the one before: a node that runs on may have banned its addresses.
    let first = process::id().wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed));
    for n in 0..NETWORKS {
        let n = first.wrapping_add(n) % NETWORKS;
        let network = Ipv4Addr::new(127, 64 + (n >> 8) as u8, n as u8, HELD);
        match TcpListener::bind((network, PORT)) {
            Ok(held) => return Ok((network, held)),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}
