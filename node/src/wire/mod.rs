//! Bytes to messages and back (wire protocol: Framing).
mod codec;
mod line;
mod message;

pub use codec::{Decoded, WireError, decode, encode, encoded_len};
pub use line::{LineDecoder, LineError, MAX_LINE};
pub use message::{MAGIC, MAX_PEERS, Message, PROTOCOL_VERSION, Version};
