//! Connections that don't begin with a handshake, or end soon after it.
use std::time::Duration;

use node::wire::{Message, encode};

use super::{Deviant, Opening, Outgoing, Payload};
use crate::peer::honest;
use crate::peer::scene::Scene;
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

/// Closes the connection so long after the handshake.
pub struct ClosesAfter(pub Duration);

impl Deviant for ClosesAfter {
    fn opened(&mut self, _: &mut Scene) -> Vec<Outgoing> {
        vec![Outgoing { after: self.0, ..Payload::Close.into() }]
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

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::peer::testing::{End, Play, handshake, part, ping};
    use crate::scenario::file::Deviation;
    use crate::scenario::resolved::Peer;
    use crate::scenario::value::Span;

    /// The node's ends of a connection that it dialled, and of one that the peer dialled.
    async fn ends(deviation: Deviation) -> (Play, [End; 2]) {
        let peer = Peer { dials: vec!["n".to_owned()], ..part(vec![deviation]) };
        let mut play = Play::begin(peer).await;
        let mut dialling = play.dial().await;
        dialling.send(&handshake()).await;
        let dialled = play.dialled().await;
        (play, [dialling, dialled])
    }

    #[tokio::test(start_paused = true)]
    async fn it_closes_at_once() {
        let (_play, ends) = ends(Deviation::ClosesAtOnce).await;
        for mut end in ends {
            assert_eq!(end.next().await, None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_closes_after_the_handshake() {
        for (after, waits) in [(0, 1), (20, 19)] {
            let (_play, [mut end, _]) = ends(Deviation::ClosesAfter(Span(Duration::from_secs(after)))).await;
            assert!(matches!(end.answer().await, Message::Ack { .. }));
            let closed = end.closed(Duration::from_secs(waits)).await;
            assert_eq!(closed, after == 0);
            assert!(closed || end.closed(Duration::from_secs(2)).await);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn something_else_comes_instead_of_a_handshake_and_nothing_after_it() {
        for (bad, magic, version) in [(Handshake::WrongMagic, *b"EMIT", 1), (Handshake::WrongVersion, *b"TIME", 2)] {
            let (_play, ends) = ends(Deviation::BadHandshake(bad)).await;
            for mut end in ends {
                let Some(Message::Handshake { magic: m, protocol_version: v, .. }) = end.next().await else { panic!() };
                assert_eq!((m, v), (magic, version));
                end.send(&ping(1)).await;
                assert!(tokio::time::timeout(Duration::from_secs(100), end.line()).await.is_err());
            }
        }
        let (_play, ends) = ends(Deviation::BadHandshake(Handshake::PingFirst)).await;
        for mut end in ends {
            assert_eq!(end.told().await, Some(9_000));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_handshake_is_one_byte_each_10_seconds_and_a_silent_one_none() {
        let (_play, [_, mut end]) = ends(Deviation::BadHandshake(Handshake::Slow)).await;
        let began = Instant::now();
        let bytes = end.line().await.unwrap().len() as u64;
        // Up to the millisecond that the peer had before the node.
        assert_eq!((began.elapsed().as_millis() as u64).div_ceil(100), bytes * 100);
        let (_play, [_, mut end]) = ends(Deviation::BadHandshake(Handshake::Silent)).await;
        assert!(!end.closed(Duration::from_secs(100)).await);
    }
}
