//! Hashes that aren't the chain's, and a chain that isn't everybody's.
use node::chain::Hash;
use node::wire::Message;
use rand::RngCore;

use super::{Deviant, Outgoing, Scene, Served};

/// Has no hash at any height.
pub struct NullHashes;

impl Deviant for NullHashes {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, _: &mut Scene) {
        for message in out.iter_mut().filter_map(Outgoing::message) {
            if let Message::BlockHashResponse { hash, .. } = message {
                *hash = None;
            }
        }
    }
}

/// Has another hash at each height but 0, each time it is asked.
pub struct RandomHashes;

impl Deviant for RandomHashes {
    fn sends(&mut self, _: Option<&Message>, out: &mut Vec<Outgoing>, scene: &mut Scene) {
        for message in out.iter_mut().filter_map(Outgoing::message) {
            if let Message::BlockHashResponse { height: 1.., hash } = message {
                let mut random = Hash::ZERO;
                scene.rng.fill_bytes(&mut random.0);
                *hash = Some(random);
            }
        }
    }
}

/// Serves an equally high chain of another genesis.
pub struct WrongGenesis;

impl Deviant for WrongGenesis {
    fn serves(&self, served: Served) -> Served {
        served.foreign()
    }
}
