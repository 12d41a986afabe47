//! One line, one message.
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::Message;
use crate::chain::{Hash, SealedBlock, compact_json};

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
        Err(error) => explain(text, error),
    }
}

/// The line for `message`, with its `\n`.
pub fn encode(message: &Message) -> Vec<u8> {
    let mut line = compact_json(message);
    line.push(b'\n');
    line
}

/// Bytes of [`encode`]'s line, without writing it where it is one of those that are sent all the time.
pub fn encoded_len(message: &Message) -> usize {
    let digits = |number: u64| number.checked_ilog10().map_or(1, |log| log as usize + 1);
    let blocks = |blocks: &[SealedBlock]| {
        2 + blocks.len().saturating_sub(1) + blocks.iter().map(SealedBlock::json_len).sum::<usize>()
    };
    // A list of its bytes as numbers.
    let hash =
        |hash: &Hash| 1 + hash.0.iter().map(|byte| 2 + usize::from(*byte > 9) + usize::from(*byte > 99)).sum::<usize>();
    let value = match message {
        Message::Ping { nonce, timestamp, height } | Message::Pong { nonce, timestamp, height } => {
            let height = height.map_or(0, |height| r#","height":"#.len() + digits(height));
            let sign = usize::from(*timestamp < 0);
            r#"{"nonce":,"timestamp":}"#.len() + digits(*nonce) + sign + digits(timestamp.unsigned_abs()) + height
        }
        Message::BlockInventory(height) | Message::BlockHeightResponse(height) | Message::GetBlockHash(height) => {
            digits(*height)
        }
        Message::BlocksResponse(list) | Message::BlockRangeResponse(list) => blocks(list),
        Message::BlockResponse(block) | Message::BlockAnnouncement(block) | Message::GenesisAnnouncement(block) => {
            block.json_len()
        }
        Message::ChainTipResponse { height, hash: of } => r#"{"height":,"hash":}"#.len() + digits(*height) + hash(of),
        Message::BlockHashResponse { height, hash: of } => {
            r#"{"height":,"hash":}"#.len() + digits(*height) + of.as_ref().map_or("null".len(), hash)
        }
        Message::GetChainTip => return "\"GetChainTip\"\n".len(),
        other => return encode(other).len(),
    };
    r#"{"":}"#.len() + message.name().len() + value + "\n".len()
}

/// Tells apart the reasons why `text` is no message we know. Parses without recursion and without keeping anything.
fn explain(text: &str, error: serde_json::Error) -> Result<Decoded, WireError> {
    let (name, error) = match serde_json::from_str(text) {
        Ok(Tag(tag)) => match Message::NAMES.iter().find(|name| **name == tag) {
            Some(name) => (*name, error),
            None => return Ok(Decoded::Unknown(excerpt(&tag, EXCERPT))),
        },
        Err(no_tag) => match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => ("message", no_tag),
            Err(error) => return Err(not_json(&error)),
        },
    };
    Err(WireError::Malformed { name, reason: excerpt(&error.to_string(), REASON) })
}

fn not_json(error: &impl fmt::Display) -> WireError {
    WireError::NotJson { reason: excerpt(&error.to_string(), REASON) }
}

/// The first `limit` characters, harmless in a log.
fn excerpt(text: &str, limit: usize) -> String {
    let harmless = |c: char| {
        if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a fixture; a `\r` stays.
    macro_rules! lines {
        ($name:literal) => {
            include_str!(concat!("../../../fixtures/wire/", $name, ".jsonl")).strip_suffix('\n').unwrap().split('\n')
        };
    }

    fn message(line: &str) -> Message {
        match decode(line.as_bytes()) {
            Ok(Decoded::Message(message)) => message,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn text(message: &Message) -> String {
        String::from_utf8(encode(message)).unwrap()
    }

    /// A payload nested deeper than a recursive parser's stack.
    fn deep(depth: usize) -> String {
        "[".repeat(depth) + &"]".repeat(depth)
    }

    #[test]
    fn every_message_is_read_and_written_back_byte_for_byte() {
        let mut missing = Message::NAMES.to_vec();
        for line in lines!("messages") {
            let read = message(line);
            assert_eq!(text(&read), format!("{line}\n"));
            assert_eq!(encoded_len(&read), line.len() + 1, "{line}");
            assert!(line.contains(&format!("\"{}\"", read.name())), "{line}");
            let blocks = matches!(read.name(), "GetBlocks" | "GetBlockRange");
            assert_eq!(read.asks(), read.name().starts_with("Get") && !blocks, "{line}");
            missing.retain(|name| *name != read.name());
        }
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn the_length_of_a_line_is_known_without_it() {
        for number in [0, 9, 10, 999, 1_000, u64::MAX] {
            for timestamp in [i64::MIN, -1, 0, i64::MAX] {
                for height in [None, Some(number)] {
                    let ping = Message::Ping { nonce: number, timestamp, height };
                    assert_eq!(encoded_len(&ping), encode(&ping).len(), "{ping:?}");
                }
            }
            assert_eq!(encoded_len(&Message::BlockInventory(number)), encode(&Message::BlockInventory(number)).len());
        }
        for hash in [None, Some(Hash::ZERO), Some(Hash::of(b"x"))] {
            let told = Message::BlockHashResponse { height: 10, hash };
            assert_eq!(encoded_len(&told), encode(&told).len(), "{told:?}");
        }
        let block = crate::chain::testnet();
        for count in 0..4 {
            let blocks = Message::BlockRangeResponse(vec![block.clone(); count]);
            assert_eq!(encoded_len(&blocks), encode(&blocks).len());
        }
    }

    #[test]
    fn what_is_written_otherwise_means_the_same() {
        let lines: Vec<&str> = lines!("lenient").collect();
        for pair in lines.chunks(2) {
            assert_eq!(text(&message(pair[0])), format!("{}\n", pair[1]));
            assert_eq!(message(&format!(" {}\r", pair[1])), message(pair[1]));
        }
    }

    #[test]
    fn later_messages_are_ignored() {
        for line in lines!("unknown") {
            match decode(line.as_bytes()) {
                Ok(Decoded::Unknown(tag)) => assert!(tag.starts_with('X'), "{line}: {tag}"),
                other => panic!("{line}: {other:?}"),
            }
        }
        let tag = format!("\"{}\\u001b\\n{}\"", "é".repeat(62), "x".repeat(1_000));
        let kept = "é".repeat(62) + "\u{fffd}\u{fffd}";
        assert_eq!(decode(tag.as_bytes()), Ok(Decoded::Unknown(kept)));
    }

    #[test]
    fn blanks_are_no_offence() {
        for line in lines!("empty").chain(["\r", " \t\r\n"]) {
            assert_eq!(decode(line.as_bytes()), Ok(Decoded::Empty), "{line:?}");
        }
    }

    #[test]
    fn other_json_is_malformed() {
        for line in lines!("malformed") {
            let error = decode(line.as_bytes());
            assert!(matches!(error, Err(WireError::Malformed { .. })), "{line}: {error:?}");
        }
        let errors = [r#"{"Ping":{"nonce":-1,"timestamp":2}}"#, "[]", r#"{"Ack":1,"Ping":2}"#];
        insta::assert_snapshot!(
            errors.map(|line| decode(line.as_bytes()).unwrap_err().to_string()).join("\n"),
            @r"
        malformed Ping: invalid value: integer `-1`, expected u64 at line 1 column 19
        malformed message: invalid type: sequence, expected a string or an object with one key at line 1 column 2
        malformed message: more than one key at line 1 column 15
        "
        );
    }

    #[test]
    fn the_rest_is_not_json() {
        let invalid: [&[u8]; 4] =
            [b"\xff", b"\"Get\xffPeers\"", b"{\"XLater\":\"\xc3\"}", b"{\"Ping\":{\"\xf0\x28\":0}}"];
        for line in lines!("not-json").map(str::as_bytes).chain(invalid) {
            let error = decode(line);
            let shown = String::from_utf8_lossy(line);
            assert!(matches!(error, Err(WireError::NotJson { .. })), "{shown}: {error:?}");
        }
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = deep(10_000);
        let block = text(&Message::BlockResponse(crate::chain::testnet()));
        let attested = block.replace("\"time_attestations\":[]", &format!("\"time_attestations\":{deep}"));
        let ping = format!("{{\"Ping\":{{\"nonce\":1,\"x\":{deep},\"timestamp\":2}}}}");
        assert_eq!(message(&ping).name(), "Ping");
        let later = format!("{{\"Later\":{deep}}}");
        assert_eq!(decode(later.as_bytes()), Ok(Decoded::Unknown("Later".to_owned())));
        for line in [
            deep.clone(),
            format!("{{\"Ping\":{deep}}}"),
            format!("{{\"MasternodesResponse\":{deep}}}"),
            format!("{{\"Version\":{{\"version\":{deep}}}}}"),
            attested,
        ] {
            let error = decode(line.as_bytes());
            assert!(matches!(error, Err(WireError::Malformed { .. })), "{error:?}");
        }
        let error = decode("[".repeat(10_000).as_bytes());
        assert!(matches!(error, Err(WireError::NotJson { .. })), "{error:?}");
    }

    #[test]
    fn no_prefix_or_changed_byte_of_a_message_panics() {
        for line in lines!("messages") {
            let mut bytes = line.as_bytes().to_vec();
            for i in 0..bytes.len() {
                assert!(decode(&bytes[..i]).is_err() || i == 0, "{line} cut to {i}");
                for other in [0, b'"', b'[', b'9', b'-', 0xff] {
                    let byte = std::mem::replace(&mut bytes[i], other);
                    let _ = decode(&bytes);
                    bytes[i] = byte;
                }
            }
        }
    }

    #[test]
    fn reasons_are_short_and_harmless() {
        let line = format!("{{\"Ping\":\"{}\"}}", "\\n\\u0007é".repeat(10_000));
        let Err(WireError::Malformed { name: "Ping", reason }) = decode(line.as_bytes()) else {
            panic!("a text is no ping");
        };
        assert_eq!(reason.chars().count(), REASON);
        assert!(!reason.contains(char::is_control));
    }
}
