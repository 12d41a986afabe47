//! One line, one message.
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::Message;
use crate::chain::compact_json;

/// Characters of a peer's text that are kept for people.
const EXCERPT: usize = 64;

/// Characters of a parser's reason that are kept; it may quote the peer.
const REASON: usize = 200;

/// What a line holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// A message we know.
    Message(Message),
    /// A message of a later protocol, to be ignored: its tag, cut to 64 characters, without control characters.
    Unknown(String),
    /// Blanks only; no offence.
    Empty,
}

/// A line that is a strike against its sender. Reasons are at most 200 characters, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// No JSON, or no UTF-8.
    #[error("not json: {reason}")]
    NotJson {
        /// The parser's.
        reason: String,
    },
    /// JSON, but not the shape of the message it names, or of any message.
    #[error("malformed {name}: {reason}")]
    Malformed {
        /// The message's tag, or `message` where there is no single tag.
        name: &'static str,
        /// The parser's.
        reason: String,
    },
}

/// Reads one line; blanks around it, a `\r` and the `\n` too, are skipped.
///
/// # Errors
/// [`WireError`] for what is neither a message nor one of a later protocol.
pub fn decode(line: &[u8]) -> Result<Decoded, WireError> {
    let text = str::from_utf8(line).map_err(|error| not_json(&error))?;
    // JSON's blanks and no others: str::trim would accept more.
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    if text.is_empty() {
        return Ok(Decoded::Empty);
    }
    match serde_json::from_str(text) {
        Ok(message) => Ok(Decoded::Message(message)),
        Err(error) => explain(text, &error),
    }
}

/// The line for `message`, with its `\n`.
pub fn encode(message: &Message) -> Vec<u8> {
    let mut line = compact_json(message);
    line.push(b'\n');
    line
}

/// Tells apart the reasons why `text` is no message we know. Parses without recursion and without keeping anything.
fn explain(text: &str, error: &serde_json::Error) -> Result<Decoded, WireError> {
    let name = match serde_json::from_str(text) {
        Ok(Tag(tag)) => match Message::NAMES.iter().find(|name| **name == tag) {
            Some(name) => name,
            None => return Ok(Decoded::Unknown(excerpt(&tag, EXCERPT))),
        },
        Err(_) => match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => "message",
            Err(error) => return Err(not_json(&error)),
        },
    };
    Err(WireError::Malformed {
        name,
        reason: excerpt(&error.to_string(), REASON),
    })
}

fn not_json(error: &impl fmt::Display) -> WireError {
    WireError::NotJson {
        reason: excerpt(&error.to_string(), REASON),
    }
}

/// The first `limit` characters, harmless in a log.
fn excerpt(text: &str, limit: usize) -> String {
    let harmless = |c: char| {
        if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    text.chars().take(limit).map(harmless).collect()
}

/// The name of an externally tagged enum's variant, whatever it holds.
struct Tag(String);

impl<'de> Deserialize<'de> for Tag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TagVisitor)
    }
}

struct TagVisitor;

impl<'de> Visitor<'de> for TagVisitor {
    type Value = Tag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an object with one key")
    }

    fn visit_str<E: Error>(self, tag: &str) -> Result<Tag, E> {
        Ok(Tag(tag.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tag, A::Error> {
        let (tag, IgnoredAny) = map.next_entry()?.ok_or_else(|| Error::custom("no key"))?;
        match map.next_key::<IgnoredAny>()? {
            None => Ok(Tag(tag)),
            Some(_) => Err(Error::custom("more than one key")),
        }
    }
}
