//! Connections that don't begin with a handshake.
use std::time::Duration;

use node::wire::{Message, encode};

use super::{Deviant, Opening, Outgoing, Payload};
use crate::peer::honest;
use crate::scenario::file::Handshake;

/// Time between two bytes of a slow handshake.
const SLOW_BYTE: Duration = Duration::from_secs(10);

/// Closes the connection as soon as it is open.
pub struct ClosesAtOnce;

impl Deviant for ClosesAtOnce {
    fn opens(&mut self) -> Opening {
        Opening::Instead(vec![Payload::Close.into()])
    }
}

/// Sends this and nothing more, whoever dialled.
pub struct BadHandshake(pub Handshake);

impl Deviant for BadHandshake {
    fn opens(&mut self) -> Opening {
        let mut message = honest::handshake();
        if let Message::Handshake { magic, protocol_version, .. } = &mut message {
            match self.0 {
                Handshake::Silent => return Opening::Instead(Vec::new()),
                Handshake::WrongMagic => *magic = *b"EMIT",
                Handshake::WrongVersion => *protocol_version += 1,
                Handshake::PingFirst => {
                    message = Message::Ping { nonce: 1, timestamp: 0, height: Some(9_000) };
                }
                Handshake::Slow => {
                    let bytes = u32::try_from(encode(&message).len()).unwrap_or(u32::MAX);
                    let over = SLOW_BYTE * bytes;
                    return Opening::Instead(vec![Outgoing { over, ..message.into() }]);
                }
            }
        }
        Opening::Instead(vec![message.into()])
    }
}
