//! The node's end of a connection.
use std::time::Duration;

use node::chain::Height;
use node::wire::{Decoded, Message, decode, encode};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::time::timeout;

/// The node's end of a connection.
pub struct End(pub BufReader<DuplexStream>);

impl End {
    pub async fn send(&mut self, message: &Message) {
        self.0.write_all(&encode(message)).await.unwrap();
    }

    /// The next line with its end; `None` when the peer closed.
    pub async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let bytes = self.0.read_line(&mut line).await.unwrap();
        (bytes > 0).then_some(line)
    }

    /// The next message; `None` when the peer closed.
    pub async fn next(&mut self) -> Option<Message> {
        match decode(self.line().await?.as_bytes()) {
            Ok(Decoded::Message(message)) => Some(message),
            other => panic!("{other:?}"),
        }
    }

    /// The next message that isn't a ping.
    pub async fn answer(&mut self) -> Message {
        loop {
            match self.next().await.expect("open") {
                Message::Ping { .. } => {}
                other => return other,
            }
        }
    }

    pub async fn ask(&mut self, request: &Message) -> Message {
        self.send(request).await;
        self.answer().await
    }

    /// The heights of the blocks in the next answer.
    pub async fn heights(&mut self, request: &Message) -> Vec<Height> {
        self.send(request).await;
        self.next_heights().await
    }

    pub async fn next_heights(&mut self) -> Vec<Height> {
        match self.answer().await {
            Message::BlocksResponse(blocks) | Message::BlockRangeResponse(blocks) => {
                blocks.iter().map(|block| block.height()).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// The height in the next ping.
    pub async fn told(&mut self) -> Option<Height> {
        loop {
            if let Message::Ping { height, .. } = self.next().await.expect("open") {
                return height;
            }
        }
    }

    /// Whether nothing but pings comes for `time`.
    pub async fn silent(&mut self, time: Duration) -> bool {
        timeout(time, self.answer()).await.is_err()
    }

    /// Whether the peer closes within `time`; reads what comes before.
    pub async fn closed(&mut self, time: Duration) -> bool {
        let rest = async { while self.0.read_u8().await.is_ok() {} };
        timeout(time, rest).await.is_ok()
    }
}
