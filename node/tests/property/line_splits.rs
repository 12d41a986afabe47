//! Bytes in any pieces.
use node::wire::{Decoded, LineDecoder, decode, encode};

use crate::choices::Choices;

/// What a peer may send, to be cut and glued.
const PIECES: [&[u8]; 12] = [
    b"\n",
    b"\r\n",
    b"\"GetPeers\"\n",
    b"{\"Ping\":{\"nonce\":1,\"timestamp\":2}}",
    b"{\"BlocksResponse\":[",
    b"]}",
    b"{\"Version\":{\"version\":[{\"a\": -1e5}, \"\\u00e9\"]}}\n",
    b"\"\\ud800\"",
    b"[[[[",
    b"\xff\xfe",
    b" \t",
    b"{\"PeersResponse\":[\"192.0.2.1\"]}\n",
];

/// Decodes the same bytes in one piece and in many; a message that is read says the same when it is written and read
/// again. Returns how many lines there were.
pub fn run(bytes: &[u8]) -> usize {
    let mut choices = Choices(bytes);
    let (mut stream, mut cuts) = (Vec::new(), Vec::new());
    while let Some(choice) = choices.below(16) {
        match PIECES.get(choice) {
            Some(piece) => stream.extend_from_slice(piece),
            None => stream.extend_from_slice(choices.take(choice)),
        }
        cuts.extend(choices.below(8).map(|back| stream.len().saturating_sub(back)));
    }
    let whole = lines(&[&stream]);
    let mut pieces = Vec::new();
    let mut start = 0;
    for cut in cuts {
        let cut = cut.max(start);
        pieces.push(&stream[start..cut]);
        start = cut;
    }
    pieces.push(&stream[start..]);
    assert_eq!(lines(&pieces), whole);
    for line in &whole {
        if let Ok(Decoded::Message(message)) = decode(line) {
            let again = encode(&message);
            assert_eq!(again.iter().filter(|byte| **byte == b'\n').count(), 1, "one line: {again:?}");
            assert_eq!(decode(&again), Ok(Decoded::Message(message)));
        }
    }
    whole.len()
}

fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut decoder = LineDecoder::default();
    let mut lines = Vec::new();
    for mut piece in pieces.iter().copied() {
        while let Some(line) = decoder.push(&mut piece).expect("shorter than the limit") {
            lines.push(line);
        }
    }
    lines
}
