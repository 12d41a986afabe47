//! Messages of established peers: answers to their requests, and who deals with everything else.
use std::net::IpAddr;

use super::mutant::{self, Mutant};
use super::timing::ANSWER_BLOCKS;
use super::{ConnId, Core, Direction, Event};
use crate::chain::{ChainView, Height, Json, SealedBlock};
use crate::wire::{MAX_LINE, Message};

/// Bytes of a line left for what is around the blocks.
const ENVELOPE: usize = 64;

impl Core {
    pub(super) fn received(&mut self, id: ConnId, message: Message, chain: &dyn ChainView) {
        let Some(conn) = self.peers.get_mut(id) else { return };
        if conn.established_at.is_none() {
            return self.greeted(id, &message, chain);
        }
        let (ip, direction) = (conn.ip, conn.direction);
        if !conn.whitelisted && !conn.rates.allow(&message, self.now.at, &self.timing) {
            return self.strike(ip, &format!("too many messages ({})", message.name()));
        }
        let tip = chain.tip();
        match message {
            Message::Ping { nonce, height, .. } => {
                self.tell(Event::PingReceived { ip, direction, height, nonce });
                if !(direction == Direction::Inbound && mutant::is(Mutant::InboundPingHeightLost)) {
                    self.pinged_height(id, height);
                }
                let (timestamp, height) = (self.now_unix(), self.told_height(chain));
                let height = height.filter(|_| !mutant::is(Mutant::PongsWithoutHeight));
                let nonce = if mutant::is(Mutant::NonceAsFloat) { nonce as f64 as u64 } else { nonce };
                self.send(id, Message::Pong { nonce, timestamp, height });
            }
            Message::Pong { nonce, height, .. } => {
                conn.liveness.pong(nonce);
                self.pinged_height(id, height);
            }
            Message::GetBlockHeight => self.send(id, Message::BlockHeightResponse(tip.height)),
            Message::GetChainTip => self.send(id, Message::ChainTipResponse { height: tip.height, hash: tip.hash }),
            Message::GetBlocks(start, end) => self.send(id, Message::BlocksResponse(serve(chain, start, end))),
            Message::GetBlockRange { start_height, end_height } => {
                self.send(id, Message::BlockRangeResponse(serve(chain, start_height, end_height)));
            }
            Message::GetBlockHash(height) => {
                self.send(id, Message::BlockHashResponse { height, hash: chain.hash_at(height) });
            }
            Message::BlockRequest(height) => {
                if let Some(block) = chain.block_at(height) {
                    self.send(id, Message::BlockResponse(block));
                }
            }
            Message::GetGenesisHash => {
                if let Some(hash) = chain.hash_at(0) {
                    self.send(id, Message::GenesisHashResponse(hash));
                }
            }
            Message::RequestGenesis => {
                if let Some(genesis) = chain.block_at(0) {
                    self.send(id, Message::GenesisAnnouncement(genesis));
                }
            }
            Message::GetPeers => {
                let peers = self.peers.established().map(|conn| conn.ip.to_string()).collect();
                self.send(id, Message::PeersResponse(peers));
            }
            Message::GetMasternodes => self.send(id, Message::MasternodesResponse(Json::empty_list())),
            Message::BlockHeightResponse(height) => self.report(id, height),
            Message::ChainTipResponse { height, hash } => self.tip_told(id, height, hash, chain),
            Message::BlockHashResponse { height, hash } => {
                if height == 0
                    && let Some(theirs) = hash
                {
                    self.genesis_told(id, theirs, chain);
                }
                self.hash_told(id, height, hash, chain);
            }
            Message::GenesisHashResponse(theirs) => self.genesis_told(id, theirs, chain),
            Message::BlockInventory(height) => self.height_announced(id, height, chain),
            Message::BlockAnnouncement(block) => self.block_announced(id, block, chain),
            Message::BlockResponse(block) => self.unasked(ip, &[block], chain),
            Message::BlocksResponse(blocks) | Message::BlockRangeResponse(blocks) => self.answered(ip, &blocks, chain),
            // For the status alone: an announcement doesn't whitelist anybody (phases 1 and 2, Whitelist).
            Message::MasternodeAnnouncement { .. } => {
                conn.masternode = true;
                conn.whitelisted |= mutant::is(Mutant::AnnouncementWhitelists);
            }
            // Nothing depends on these.
            Message::Handshake { .. }
            | Message::Ack { .. }
            | Message::GenesisAnnouncement(_)
            | Message::PeersResponse(_)
            | Message::MasternodesResponse(_)
            | Message::Version(_) => {}
        }
    }

    /// Whether a message asks for something, or tells what changes nothing but the sender's height.
    pub(super) fn tells_nothing_new(&self, message: &Message, chain: &dyn ChainView) -> bool {
        match message {
            Message::Ping { .. }
            | Message::Pong { .. }
            | Message::GetBlockHeight
            | Message::GetChainTip
            | Message::GetBlocks(..)
            | Message::GetBlockRange { .. }
            | Message::GetBlockHash(_)
            | Message::BlockRequest(_)
            | Message::BlockHeightResponse(_) => true,
            Message::BlockInventory(height) => *height <= chain.tip().height,
            Message::ChainTipResponse { height, hash } => {
                let tip = chain.tip();
                (*height, *hash) == (tip.height, tip.hash)
            }
            _ => false,
        }
    }

    fn height_announced(&mut self, id: ConnId, height: Height, chain: &dyn ChainView) {
        self.report(id, height);
        if let Some(conn) = self.peers.get_mut(id).filter(|conn| !conn.foreign && height > chain.tip().height) {
            conn.announced = Some(height);
        }
    }

    fn block_announced(&mut self, id: ConnId, block: SealedBlock, chain: &dyn ChainView) {
        self.height_announced(id, block.height(), chain);
        let ip: Option<IpAddr> = self.peers.get(id).map(|conn| conn.ip);
        if let Some(ip) = ip {
            self.unasked(ip, &[block], chain);
        }
    }

    pub(super) fn received_unknown(&mut self, id: ConnId, name: &str) {
        if self.peers.get(id).is_some_and(|conn| conn.established_at.is_none()) {
            self.drop_connection(id, &format!("bad handshake: {name} before the handshake"));
        }
    }

    pub(super) fn malformed(&mut self, id: ConnId, reason: String) {
        let Some(conn) = self.peers.get(id) else { return };
        let (ip, established) = (conn.ip, conn.established_at.is_some());
        if established {
            self.strike(ip, &reason);
        } else {
            self.drop_connection(id, &format!("bad handshake: {reason}"));
        }
    }
}

/// The blocks of an answer: ascending from `start`, at most 500, and no longer than a line.
fn serve(chain: &dyn ChainView, start: Height, end: Height) -> Vec<SealedBlock> {
    let end = end.min(chain.tip().height).min(start.saturating_add(ANSWER_BLOCKS - 1));
    let mut room = if mutant::is(Mutant::AnswersOverLimit) { usize::MAX } else { MAX_LINE - ENVELOPE };
    let mut blocks = Vec::new();
    for height in start..=end {
        let Some(block) = chain.block_at(height) else { break };
        let Some(left) = room.checked_sub(block.json_len() + 1) else { break };
        room = left;
        blocks.push(block);
    }
    blocks
}
