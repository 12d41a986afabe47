//! A disk that takes no more: the old chain stays, is read on, and grows again when there is room.
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use node::chain::{ChainView, TipRule};
use node::store::{Store, Write};

use crate::child;
use crate::scratch::{assert_prefix, blocks, chain, filled, folder, open, open_whole};

/// Lets no file grow beyond `len` bytes, in the whole process.
fn limit(len: u64) {
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, len, hard).unwrap();
}

#[test]
fn a_full_disk_loses_nothing() {
    let folder = folder();
    let done = child::command("full_disk::child", folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && text.contains("1 passed"), "{text}\n{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(open_whole(folder.path()).tip(), chain(900).fork(10, 2, 700, TipRule::Any).tip());
}

#[tokio::test]
#[ignore = "limits its whole process: a_full_disk_loses_nothing runs it"]
async fn child() {
    let folder = child::folder();
    let chain = chain(900);
    let fork = chain.fork(10, 2, 700, TipRule::Any);
    let store = filled(&folder, &chain.fork(300, 1, 300, TipRule::Any)).await;
    let full = std::fs::metadata(folder.join("chain.redb")).unwrap().len();

    limit(full);
    for _ in 0..3 {
        let error = store.commit(Write::Append(blocks(&chain, 301, 800))).await.unwrap_err().to_string();
        assert!(error.contains("File too large"), "{error}");
        assert_eq!(store.tip().height, 300);
        assert_prefix(&store, &chain, "on a full disk");
    }
    limit(u64::MAX);
    store.commit(Write::Append(blocks(&chain, 301, 900))).await.unwrap();
    assert_prefix(&store, &chain, "with room again");

    store.commit(Write::Stage(blocks(&fork, 11, 700))).await.unwrap();
    limit(4_096);
    store.commit(Write::Switch { ancestor: 10 }).await.unwrap_err();
    assert_prefix(&store, &chain, "after a failed switch");
    assert_eq!((store.tip(), store.staged_tip()), (chain.tip(), None));
    limit(u64::MAX);
    store.commit(Write::Discard).await.unwrap();
    store.commit(Write::Stage(blocks(&fork, 11, 700))).await.unwrap();
    store.commit(Write::Switch { ancestor: 10 }).await.unwrap();
    assert_prefix(&store, &fork, "after the switch");
    drop(store);

    // Nothing new can be made, and that is no damage.
    limit(4_096);
    let other = folder.join("other");
    let error = open(&other).unwrap_err().to_string();
    assert!(error.contains("File too large"), "{error}");
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 0);
    limit(u64::MAX);
}
