//! What a peer is about to send.
use std::time::Duration;

use node::chain::SealedBlock;
use node::wire::Message;

/// One thing to send, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// What.
    pub payload: Payload,
    /// How long it waits first, while others pass.
    pub after: Duration,
    /// How long its bytes take, evenly; no others pass.
    pub over: Duration,
    /// Whether its line ends with `\r\n`.
    pub crlf: bool,
}

/// What can be sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// A message, as a line.
    Message(Message),
    /// A line, as it is written.
    Line(String),
    /// So many equal bytes without a line end.
    Filler(u64),
    /// So many bytes drawn from a seed, the last of them a line end.
    Noise {
        /// How many.
        bytes: u64,
        /// From what.
        seed: u64,
    },
    /// The end of the connection, when everything before it is sent.
    Close,
}

impl From<Payload> for Outgoing {
    /// At once.
    fn from(payload: Payload) -> Self {
        Self { payload, after: Duration::ZERO, over: Duration::ZERO, crlf: false }
    }
}

impl From<Message> for Outgoing {
    /// At once.
    fn from(message: Message) -> Self {
        Payload::Message(message).into()
    }
}

impl Outgoing {
    /// The message, where it is one.
    pub fn message(&mut self) -> Option<&mut Message> {
        match &mut self.payload {
            Payload::Message(message) => Some(message),
            _ => None,
        }
    }

    /// The blocks, where it is a list of them.
    pub fn blocks(&mut self) -> Option<&mut Vec<SealedBlock>> {
        match self.message()? {
            Message::BlocksResponse(blocks) | Message::BlockRangeResponse(blocks) => Some(blocks),
            _ => None,
        }
    }
}
