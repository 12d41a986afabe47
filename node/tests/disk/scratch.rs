//! Folders, chains and chance for the tests.
use std::path::Path;

use node::chain::{BuiltChain, ChainView, Hash, Height, SealedBlock, testnet};
use node::store::redb::{OpenError, Report, Verify};
use node::store::{RedbStore, Store, Write};
use tempfile::TempDir;

/// A folder in memory where there is such a thing: files are flushed many hundred times.
pub fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A built chain of the testnet.
pub fn chain(height: Height) -> BuiltChain {
    BuiltChain::new(testnet(), 1, height)
}

/// Heights `from` to `to` of a chain.
pub fn blocks(chain: &BuiltChain, from: Height, to: Height) -> Vec<SealedBlock> {
    chain.upto(to).skip(from as usize).collect()
}

/// Opens a store of the testnet with a quick check.
pub fn open(folder: &Path) -> Result<(RedbStore, Report), OpenError> {
    RedbStore::open(folder, &testnet(), &[], Verify::Quick)
}

/// Opens a store that has to be whole, in every block.
pub fn open_whole(folder: &Path) -> RedbStore {
    let (store, report) = RedbStore::open(folder, &testnet(), &[], Verify::Full).unwrap();
    assert!(report.repaired.is_none(), "{report}");
    store
}

/// Makes a store that holds `chain`.
pub async fn filled(folder: &Path, chain: &BuiltChain) -> RedbStore {
    let (store, _) = open(folder).unwrap();
    for batch in blocks(chain, 1, u64::MAX).chunks(500) {
        store.commit(Write::Append(batch.to_vec())).await.unwrap();
    }
    store
}

/// Panics unless the store holds `chain` up to its tip and nothing else.
pub fn assert_prefix(store: &RedbStore, chain: &BuiltChain, what: &str) {
    let tip = store.tip();
    assert_eq!(chain.block(tip.height).map(|block| block.tip()), Some(tip), "{what}");
    for height in 0..=tip.height {
        assert!(store.block_at(height) == chain.block(height), "{what}: block {height}");
        assert!(store.hash_at(height) == chain.hash_at(height), "{what}: hash {height}");
    }
    assert_eq!((store.block_at(tip.height + 1), store.hash_at(tip.height + 1)), (None, None), "{what}");
}

/// A number that depends on nothing but `n`.
pub fn random(n: u64) -> u64 {
    let Hash(bytes) = Hash::of(&n.to_le_bytes());
    u64::from_le_bytes(std::array::from_fn(|i| bytes[i]))
}
