//! A scenario's addresses where no namespace gives them: each party stands at one of 127.0.0.0/8, and logs are read as if it didn't.
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::scenario::Scenario;

/// Real addresses by those of the scenario.
#[derive(Debug, Clone, Default)]
pub struct AddressBook(BTreeMap<Ipv4Addr, Ipv4Addr>);

/// Parties in one block of addresses.
const IN_A_BLOCK: usize = 150;

impl AddressBook {
    /// Moves every address that `scenario` has to one of 127.0.0.0/8.
    pub fn loopback(scenario: &mut Scenario) -> Self {
        let mut book = Self::default();
        for node in scenario.nodes.values_mut() {
            let lists = [&mut node.whitelists, &mut node.blacklists, &mut node.dials];
            for ip in lists.into_iter().flatten().chain([&mut node.ip]) {
                *ip = book.real(*ip);
            }
        }
        for peer in scenario.peers.values_mut() {
            peer.ip = book.real(peer.ip);
        }
        book
    }

    /// The real address of `ip`. Its last number has three digits, so that none is the beginning of another.
    fn real(&mut self, ip: Ipv4Addr) -> Ipv4Addr {
        let next = self.0.len();
        let [block, last] = [next / IN_A_BLOCK, 100 + next % IN_A_BLOCK].map(|n| n as u8);
        *self.0.entry(ip).or_insert(Ipv4Addr::new(127, 24, block, last))
    }

    /// `text` with the scenario's addresses instead of the real ones.
    pub fn translate(&self, text: &str) -> String {
        let translated =
            |text: String, (ip, real): (&Ipv4Addr, &Ipv4Addr)| text.replace(&real.to_string(), &ip.to_string());
        self.0.iter().fold(text.to_owned(), translated)
    }
}
