//! A peer's address.
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::value::parsed;

/// A peer's address; its identity is the IP alone (wire protocol: Framing).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerAddress {
    /// Identity. An IPv4 address in IPv6's clothes is the IPv4 address.
    pub ip: IpAddr,
    /// Default: the network's.
    pub port: Option<u16>,
}

/// A text that is no address of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address: write `ip` or `ip:port`, for example `192.0.2.1` or `[2001:db8::1]:24100`")]
pub struct ParsePeerAddressError;

impl FromStr for PeerAddress {
    type Err = ParsePeerAddressError;

    /// Reads `ip` and `ip:port`; names are not looked up, and nobody is at an unspecified address or at port 0.
    fn from_str(text: &str) -> Result<Self, ParsePeerAddressError> {
        let (ip, port) = match text.parse::<SocketAddr>() {
            Ok(at) => (at.ip(), Some(at.port())),
            Err(_) => (text.parse().map_err(|_| ParsePeerAddressError)?, None),
        };
        if ip.is_unspecified() || ip.is_multicast() || port == Some(0) {
            return Err(ParsePeerAddressError);
        }
        Ok(Self { ip: ip.to_canonical(), port })
    }
}

impl fmt::Display for PeerAddress {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.ip, port).fmt(f),
            None => self.ip.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for PeerAddress {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parsed(from)
    }
}

/// One entry an IP, where it first appears, with the first port that an entry names.
pub(super) fn one_an_ip(addresses: Vec<PeerAddress>) -> Vec<PeerAddress> {
    let mut unique: Vec<PeerAddress> = Vec::new();
    for address in addresses {
        match unique.iter_mut().find(|known| known.ip == address.ip) {
            Some(known) => known.port = known.port.or(address.port),
            None => unique.push(address),
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(ip: &str, port: Option<u16>) -> PeerAddress {
        PeerAddress { ip: ip.parse().unwrap(), port }
    }

    #[test]
    fn an_ip_with_or_without_a_port() {
        for (text, ip, port) in [
            ("192.0.2.1", "192.0.2.1", None),
            ("192.0.2.1:24100", "192.0.2.1", Some(24100)),
            ("2001:db8::1", "2001:db8::1", None),
            ("[2001:db8::1]:1", "2001:db8::1", Some(1)),
            ("::ffff:192.0.2.1", "192.0.2.1", None),
        ] {
            assert_eq!(text.parse(), Ok(address(ip, port)), "{text}");
            assert_eq!(address(ip, port).to_string(), text.replace("::ffff:", ""));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "localhost",
            "192.0.2.1:",
            "192.0.2.1:0",
            "192.0.2.1:65536",
            "192.0.2.256",
            "0.0.0.0",
            "[::]:24100",
            "224.0.0.1",
            " 192.0.2.1",
            "192.0.2.1/24",
        ] {
            assert_eq!(text.parse::<PeerAddress>(), Err(ParsePeerAddressError), "{text}");
        }
    }

    #[test]
    fn an_ip_is_one_peer_whatever_its_ports() {
        let listed = [
            address("192.0.2.2", None),
            address("192.0.2.1", Some(1)),
            address("192.0.2.2", Some(2)),
            address("192.0.2.1", Some(3)),
        ];
        assert_eq!(one_an_ip(listed.to_vec()), [address("192.0.2.2", Some(2)), address("192.0.2.1", Some(1))]);
    }
}
