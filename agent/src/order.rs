//! What the harness asks for.
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::FromStr;

/// One thing that is made in the namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// A TUN device with these addresses, everything else behind it.
    Tun(Vec<Ipv4Addr>),
    /// A listening socket.
    Listen(SocketAddrV4),
    /// A socket for a dial from this address.
    Dial(Ipv4Addr),
    /// Whether somebody listens there, at that address or at all: the answer has no descriptor.
    Listening(SocketAddrV4),
    /// The congestion control in force: the answer is a text.
    CongestionControl,
}

/// In words: `tun 10.0.0.1 10.0.0.2`, `listen 10.0.0.1:24100`, `dial 10.0.0.1`, `listening 10.0.0.1:24100`, `congestion-control`.
impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tun(ips) => {
                f.write_str("tun")?;
                ips.iter().try_for_each(|ip| write!(f, " {ip}"))
            }
            Self::Listen(at) => write!(f, "listen {at}"),
            Self::Dial(from) => write!(f, "dial {from}"),
            Self::Listening(at) => write!(f, "listening {at}"),
            Self::CongestionControl => f.write_str("congestion-control"),
        }
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("no order: {text:?}");
        let mut words = text.split(' ');
        let (verb, rest) = (words.next().unwrap_or_default(), words.collect::<Vec<_>>());
        let order = match (verb, &rest[..]) {
            ("tun", [_, ..]) => rest.iter().map(|ip| ip.parse().ok()).collect::<Option<_>>().map(Self::Tun),
            ("listen", [at]) => at.parse().ok().map(Self::Listen),
            ("dial", [from]) => from.parse().ok().map(Self::Dial),
            ("listening", [at]) => at.parse().ok().map(Self::Listening),
            ("congestion-control", []) => Some(Self::CongestionControl),
            _ => None,
        };
        order.ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_as_they_are_written() {
        let (ip, at) = (Ipv4Addr::new(10, 0, 0, 1), SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 24_100));
        for order in [
            Order::Tun(vec![ip, ip]),
            Order::Listen(at),
            Order::Dial(ip),
            Order::Listening(at),
            Order::CongestionControl,
        ] {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        for text in ["", "tun", "tun x", "listen 10.0.0.1", "dial 10.0.0.1 10.0.0.2", "end"] {
            assert!(text.parse::<Order>().unwrap_err().contains(text));
        }
    }
}
