//! What a chain on disk shares with one in memory, and what outlives its process.
use tempfile::TempDir;

use super::*;
use crate::chain::{BuiltChain, TipRule, testnet};

fn open(folder: &TempDir) -> RedbStore {
    let (store, report) = RedbStore::open(folder.path(), &testnet(), &[], Verify::Full).unwrap();
    assert!(report.repaired.is_none(), "{report}");
    store
}

fn blocks(chain: &BuiltChain, from: Height, to: Height) -> Vec<SealedBlock> {
    chain.upto(to).skip(from as usize).collect()
}

/// Whether the store holds exactly `chain`, by every read there is.
fn holds(store: &RedbStore, chain: &BuiltChain) -> bool {
    let tip = chain.tip();
    let above = tip.height + 1;
    store.tip() == tip
        && (0..=tip.height).all(|h| store.block_at(h) == chain.block(h) && store.hash_at(h) == chain.hash_at(h))
        && (store.block_at(above), store.hash_at(above), store.hash_at(u64::MAX)) == (None, None, None)
}

#[tokio::test]
async fn appends_what_links_and_refuses_the_rest_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (chain, other) = (BuiltChain::new(testnet(), 1, 10), BuiltChain::new(testnet(), 2, 10));
    let store = open(&folder);
    assert!(holds(&store, &BuiltChain::new(testnet(), 1, 0)));
    store.commit(Write::Append(blocks(&chain, 1, 5))).await.unwrap();
    let mut half = blocks(&chain, 6, 7);
    half.extend(blocks(&other, 8, 8));
    for wrong in [blocks(&chain, 7, 8), blocks(&chain, 5, 6), blocks(&other, 6, 7), half] {
        store.commit(Write::Append(wrong)).await.unwrap_err();
        assert_eq!((store.tip(), store.hash_at(6)), (chain.block(5).unwrap().tip(), None));
    }
    store.commit(Write::Append(Vec::new())).await.unwrap();
    store.commit(Write::Append(blocks(&chain, 6, 10))).await.unwrap();
    assert!(holds(&store, &chain));
    drop(store);
    assert!(holds(&open(&folder), &chain));
}

#[tokio::test]
async fn stages_a_branch_and_switches_to_it() {
    for height in [7, 10, 14] {
        let folder = tempfile::tempdir().unwrap();
        let chain = BuiltChain::new(testnet(), 1, 10);
        let fork = chain.fork(4, 2, height, TipRule::Any);
        let store = open(&folder);
        store.commit(Write::Append(blocks(&chain, 1, 10))).await.unwrap();

        store.commit(Write::Stage(blocks(&fork, 5, 6))).await.unwrap();
        store.commit(Write::Stage(blocks(&chain, 8, 9))).await.unwrap_err();
        store.commit(Write::Stage(blocks(&fork, 7, height))).await.unwrap();
        assert_eq!(store.staged_tip(), Some(fork.tip()));
        for ancestor in [3, 5, u64::MAX] {
            store.commit(Write::Switch { ancestor }).await.unwrap_err();
        }
        assert!(holds(&store, &chain));
        store.commit(Write::Switch { ancestor: 4 }).await.unwrap();
        assert!(holds(&store, &fork));
        assert_eq!(store.staged_tip(), None);
        store.commit(Write::Switch { ancestor: 4 }).await.unwrap_err();
        drop(store);
        assert!(holds(&open(&folder), &fork));
    }
}

#[tokio::test]
async fn a_branch_is_gone_when_it_is_discarded_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let chain = BuiltChain::new(testnet(), 1, 10);
    let branch = blocks(&chain.fork(2, 2, 9, TipRule::Any), 3, 9);
    let store = open(&folder);
    store.commit(Write::Append(blocks(&chain, 1, 5))).await.unwrap();
    store.commit(Write::Stage(branch.clone())).await.unwrap();
    store.commit(Write::Discard).await.unwrap();
    assert_eq!(store.staged_tip(), None);
    store.commit(Write::Switch { ancestor: 2 }).await.unwrap_err();
    store.commit(Write::Stage(blocks(&chain, 7, 8))).await.unwrap_err();

    // An append makes the branch durable, too.
    store.commit(Write::Stage(branch)).await.unwrap();
    store.commit(Write::Append(blocks(&chain, 6, 10))).await.unwrap();
    drop(store);
    let store = open(&folder);
    assert_eq!(store.staged_tip(), None);
    store.commit(Write::Switch { ancestor: 2 }).await.unwrap_err();
    assert!(holds(&store, &chain));
}

#[tokio::test]
async fn reads_beside_a_write_see_the_chain_before_it_or_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let chain = BuiltChain::new(testnet(), 1, 600);
    let fork = chain.fork(100, 2, 500, TipRule::Any);
    let chains = [&chain, &fork];
    let store = open(&folder);
    store.commit(Write::Append(blocks(&chain, 1, 100))).await.unwrap();
    let (done, begun) = (AtomicBool::new(false), std::sync::Barrier::new(2));
    let (done, begun, store) = (&done, &begun, &store);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let (mut tips, mut reads) = (vec![store.tip().height], 0_u32);
            begun.wait();
            while !done.load(Ordering::Relaxed) {
                let tip = store.tip();
                assert!(chains.iter().any(|chain| chain.hash_at(tip.height) == Some(tip.hash)), "{tip:?}");
                // The chain is never lower than here, whatever has happened since the tip was read.
                let block = store.block_at(tip.height.min(500)).unwrap();
                assert!(chains.iter().any(|chain| chain.block(block.height()).as_ref() == Some(&block)));
                tips.push(tip.height);
                reads += 1;
            }
            tips.dedup();
            (tips, reads)
        });
        let runtime = tokio::runtime::Handle::current();
        let writes = [
            Write::Append(blocks(&chain, 101, 600)),
            Write::Stage(blocks(&fork, 101, 500)),
            Write::Switch { ancestor: 100 },
        ];
        let writer = scope.spawn(move || {
            begun.wait();
            writes.into_iter().try_for_each(|write| runtime.block_on(store.commit(write)))
        });
        writer.join().unwrap().unwrap();
        done.store(true, Ordering::Relaxed);
        let (tips, reads) = reader.join().unwrap();
        // Some may be missed, but none comes that is neither, nor in another order.
        let mut expected = [100, 600, 500].into_iter();
        assert!(tips.iter().all(|tip| expected.any(|height| height == *tip)), "{tips:?}");
        assert!(reads > 10, "reads waited for writes: {reads}");
    });
}
