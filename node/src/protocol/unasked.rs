//! Blocks that nobody asked for (D-15): held only while they may extend the tip.
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::timing::{UNASKED_BLOCKS, UNASKED_BYTES};
use crate::chain::{Height, SealedBlock};

/// At most 500 blocks and 8 MiB.
#[derive(Debug, Default)]
pub(super) struct Unasked {
    blocks: BTreeMap<Height, (SealedBlock, IpAddr)>,
    bytes: usize,
}

impl Unasked {
    /// Holds a block above `tip`, if there is room; the first of a height stays.
    pub fn hold(&mut self, block: SealedBlock, from: IpAddr, tip: Height) {
        let height = block.height();
        let near = height > tip && height - tip <= UNASKED_BLOCKS as u64;
        let room = self.blocks.len() < UNASKED_BLOCKS && self.bytes + block.json_len() <= UNASKED_BYTES;
        if near && room && !self.blocks.contains_key(&height) {
            self.bytes += block.json_len();
            self.blocks.insert(height, (block, from));
        }
    }

    /// The block at `height`, if held; everything below goes.
    pub fn take(&mut self, height: Height) -> Option<(SealedBlock, IpAddr)> {
        while let Some(entry) = self.blocks.first_entry().filter(|entry| *entry.key() < height) {
            self.bytes -= entry.remove().0.json_len();
        }
        let taken = self.blocks.remove(&height)?;
        self.bytes -= taken.0.json_len();
        Some(taken)
    }

    /// The highest block held that came from `ip`.
    pub fn highest_from(&self, ip: IpAddr) -> Option<Height> {
        self.blocks.iter().rev().find(|(_, (_, from))| *from == ip).map(|(height, _)| *height)
    }

    /// Bytes of JSON held.
    pub fn bytes(&self) -> u64 {
        self.bytes as u64
    }
}
