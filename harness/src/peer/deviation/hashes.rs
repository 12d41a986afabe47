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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::testing::{End, ask, main, met};
    use crate::scenario::file::Deviation;

    async fn hash(end: &mut End, height: u64) -> Option<Hash> {
        match end.ask(&Message::GetBlockHash(height)).await {
            Message::BlockHashResponse { height: of, hash } if of == height => hash,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn hashes_are_null_or_random() {
        let (_play, mut end) = met([Deviation::NullHashes]).await;
        assert_eq!([hash(&mut end, 0).await, hash(&mut end, 9).await], [None, None]);
        let (_play, mut end) = met([Deviation::RandomHashes]).await;
        assert_eq!(hash(&mut end, 0).await, main().block(0).map(|block| block.hash()));
        let nine = [hash(&mut end, 9).await, hash(&mut end, 9).await];
        assert!(nine[0].is_some() && nine[1].is_some() && nine[0] != nine[1]);
        assert!(!nine.contains(&main().block(9).map(|block| block.hash())));
    }

    #[tokio::test(start_paused = true)]
    async fn another_genesis_has_another_chain_of_the_same_height() {
        let (_play, mut end) = met([Deviation::WrongGenesis]).await;
        assert_eq!(end.told().await, Some(1_000));
        let Message::GenesisHashResponse(genesis) = end.ask(&Message::GetGenesisHash).await else { panic!() };
        assert_ne!(Some(genesis), main().block(0).map(|block| block.hash()));
        assert_eq!(hash(&mut end, 0).await, Some(genesis));
        let Message::BlockRangeResponse(blocks) = end.ask(&ask(1, 2)).await else { panic!() };
        assert_eq!(blocks[0].previous_hash(), genesis);
        assert_eq!(blocks[1].previous_hash(), blocks[0].hash());
    }
}
