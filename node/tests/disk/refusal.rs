//! Files and folders that are not ours to use: a reason and what to do, and nothing is changed.
use std::fs;
use std::path::Path;

use node::chain::{Block, BuiltChain, ChainView, Hash, SealedBlock, testnet};
use node::store::redb::{ChainReader, OpenError, Verify};
use node::store::{RedbStore, Store, Write};
use redb::{Database, TableDefinition};

use crate::scratch::{blocks, chain, filled, folder, open, open_whole};

/// The refusal of a folder whose file must stay as it is.
fn refused(folder: &Path, genesis: &SealedBlock, checkpoints: &[(u64, Hash)]) -> OpenError {
    let file = folder.join("chain.redb");
    let before = fs::read(&file).unwrap();
    let error = RedbStore::open(folder, genesis, checkpoints, Verify::Quick).unwrap_err();
    assert_eq!(ChainReader::open(folder, genesis, checkpoints).unwrap_err().to_string(), error.to_string());
    assert!(fs::read(&file).unwrap() == before, "changed: {error}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "{error}");
    error
}

#[tokio::test]
async fn the_folder_of_a_running_node() {
    let folder = folder();
    let chain = chain(10);
    let store = filled(folder.path(), &chain).await;
    let error = refused(folder.path(), &testnet(), &[]);
    assert!(error.to_string().ends_with("in use by another process: stop that one, or give this one another folder"));
    store.commit(Write::Append(Vec::new())).await.unwrap();
    drop(store);
    assert_eq!(open_whole(folder.path()).tip(), chain.tip());
}

#[tokio::test]
async fn the_chain_of_another_network() {
    let folder = folder();
    let store = filled(folder.path(), &chain(10)).await;
    let killed = fs::read(folder.path().join("chain.redb")).unwrap();
    drop(store);
    let mut other = Block::clone(&testnet());
    other.header.timestamp += 1;
    let other = SealedBlock::new(other);
    let reason = format!("its chain has the genesis {}, not {}", testnet().hash(), other.hash());
    let error = refused(folder.path(), &other, &[]).to_string();
    assert!(error.contains(&reason) && error.contains("correct `[network] genesis`"), "{error}");
    // Also one that was not closed, which redb would repair at once.
    fs::write(folder.path().join("chain.redb"), killed).unwrap();
    assert!(refused(folder.path(), &other, &[]).to_string().contains(&reason));
}

#[tokio::test]
async fn a_chain_that_a_checkpoint_contradicts() {
    let folder = folder();
    let chain = chain(10);
    drop(filled(folder.path(), &chain).await);
    let right = (4, chain.hash_at(4).unwrap());
    let above = (11, Hash([1; 32]));
    let error = refused(folder.path(), &testnet(), &[right, (5, Hash([1; 32]))]).to_string();
    assert!(error.contains("its block 5 is ") && error.contains("correct `[chain] checkpoints`"), "{error}");
    RedbStore::open(folder.path(), &testnet(), &[right, above], Verify::Quick).unwrap();
}

#[tokio::test]
async fn another_format() {
    let folder = folder();
    drop(filled(folder.path(), &chain(10)).await);
    let meta: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    let blocks: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
    let database = Database::open(folder.path().join("chain.redb")).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(meta).unwrap().insert("format", 1_u32.to_le_bytes().as_slice()).unwrap();
    // Its tables may be others, too.
    write.delete_table(blocks).unwrap();
    write.commit().unwrap();
    drop(database);
    let error = refused(folder.path(), &testnet(), &[]).to_string();
    assert!(error.contains("its format is 1, and this version reads 2: use the version that wrote it"), "{error}");
}

#[test]
fn what_is_no_chain_at_all() {
    for bytes in [b"".as_slice(), b"redb", b"SQLite format 3\0", &[0; 100_000]] {
        let folder = folder();
        fs::write(folder.path().join("chain.redb"), bytes).unwrap();
        let error = open(folder.path()).unwrap_err();
        assert!(matches!(error, OpenError::Lost(_)), "{error}");
        assert!(fs::read(folder.path().join("chain.redb")).unwrap() == bytes);
    }
}

#[test]
fn a_folder_that_cannot_be_made() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = open(&file.join("folder")).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("{}: cannot make the folder: Not a directory (os error 20)", file.join("folder").display())
    );
    assert!(matches!(ChainReader::open(folder.path(), &testnet(), &[]), Err(OpenError::Missing { .. })));
}

#[tokio::test]
async fn what_a_crash_while_it_was_made_has_left_is_no_chain() {
    let folder = folder();
    fs::write(folder.path().join("chain.redb.new"), "half").unwrap();
    let chain = BuiltChain::new(testnet(), 1, 3);
    let store = open_whole(folder.path());
    store.commit(Write::Append(blocks(&chain, 1, 3))).await.unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
