//! Bytes that are no messages, and bytes that are not read.
use rand::RngCore;

use super::{Deviant, Outgoing, Payload, Scene};

/// One line of so many bytes, without an end.
pub struct OversizedLine(pub u64);

impl Deviant for OversizedLine {
    fn opened(&mut self, _: &mut Scene) -> Vec<Outgoing> {
        vec![Payload::Filler(self.0).into()]
    }
}

/// These lines.
pub struct JunkLines(pub Vec<String>);

impl Deviant for JunkLines {
    fn opened(&mut self, _: &mut Scene) -> Vec<Outgoing> {
        self.0.iter().map(|line| Payload::Line(line.clone()).into()).collect()
    }
}

/// So many bytes, drawn from the seed; one in 256 is a line end, and so is the last.
pub struct JunkBytes(pub u64);

impl Deviant for JunkBytes {
    fn opened(&mut self, scene: &mut Scene) -> Vec<Outgoing> {
        let seed = scene.rng.next_u64();
        vec![Payload::Noise { bytes: self.0, seed }.into()]
    }
}

/// Reads nothing after the handshake.
pub struct NeverReads;

impl Deviant for NeverReads {
    fn reads(&self) -> bool {
        false
    }
}
