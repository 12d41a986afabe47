//! What the chain on disk costs beside plain redb that writes the same bytes: figures and ratios within this run.
#![allow(clippy::unwrap_used, reason = "a benchmark that fails, fails")]
use std::fs;
use std::path::Path;
use std::time::Duration;

use node::chain::{BuiltChain, ChainView, Height, SealedBlock, TipRule, compact_json, testnet};
use node::store::redb::Verify;
use node::store::{RedbStore, Store, Write};
use redb::{Builder, TableDefinition};
use tokio::time::Instant;

const HEIGHT: Height = 100_000;
const BATCH: usize = 500;
/// A branch as deep as a masternode may have one (wire protocol: Fork choice).
const BRANCH: Height = 10_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("figures of this machine; ratios are within this run");
    let chain = BuiltChain::new(testnet(), 1, HEIGHT);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // First: what an earlier run has freed would serve this one.
    let before = resident_at_most();
    let (store, first) = append(&folder.path().join("0"), &chain).await;
    println!("memory: {} KiB at most for {HEIGHT} blocks appended", resident_at_most() - before);
    reads(&store);
    branch(&store, &chain).await;
    println!("memory: {} KiB at most with a branch of {BRANCH} blocks, and reads", resident_at_most() - before);
    drop(store);
    opens(&folder.path().join("0"));

    let mut ratios = vec![compare(first, plain(&folder.path().join("plain-0"), &chain, false))];
    for n in 1..5 {
        // Turn and turn about, so that a machine that slows down slows both.
        let plain = plain(&folder.path().join(format!("plain-{n}")), &chain, false);
        let (_, ours) = append(&folder.path().join(n.to_string()), &chain).await;
        ratios.push(compare(ours, plain));
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2}", ratios[ratios.len() / 2]);
    let two_phase = plain(&folder.path().join("plain-two"), &chain, true);
    println!("plain redb with two flushes a commit, as ours: {:.0} blocks/s", HEIGHT as f64 / two_phase.as_secs_f64());
}

/// How fast we are, as a part of plain redb's speed.
fn compare(ours: Duration, plain: Duration) -> f64 {
    let rate = |time: Duration| HEIGHT as f64 / time.as_secs_f64();
    let ratio = rate(ours) / rate(plain);
    println!(
        "{HEIGHT} blocks in batches of {BATCH}: {:.0} blocks/s; plain redb {:.0} blocks/s; ratio {ratio:.2}",
        rate(ours),
        rate(plain)
    );
    ratio
}

/// Blocks as a node gets them: checked and hashed.
async fn append(folder: &Path, chain: &BuiltChain) -> (RedbStore, Duration) {
    let (store, _) = RedbStore::open(folder, &testnet(), &[], Verify::Quick).unwrap();
    let blocks: Vec<SealedBlock> = chain.upto(HEIGHT).skip(1).collect();
    let start = Instant::now();
    for batch in blocks.chunks(BATCH) {
        store.commit(Write::Append(batch.to_vec())).await.unwrap();
    }
    (store, start.elapsed())
}

/// The same blocks as JSON, ready before the clock starts, each batch a durable transaction.
fn plain(file: &Path, chain: &BuiltChain, two_phase: bool) -> Duration {
    const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
    let database = Builder::new().set_cache_size(16 << 20).create(file).unwrap();
    let values: Vec<(u64, Vec<u8>)> = chain
        .upto(HEIGHT)
        .skip(1)
        .map(|block| (block.height(), [&block.hash().0[..], &block.hash().0, &compact_json(&block)].concat()))
        .collect();
    let start = Instant::now();
    for batch in values.chunks(BATCH) {
        let mut write = database.begin_write().unwrap();
        write.set_two_phase_commit(two_phase);
        {
            let mut table = write.open_table(BLOCKS).unwrap();
            for (height, value) in batch {
                table.insert(height, value.as_slice()).unwrap();
            }
        }
        write.commit().unwrap();
    }
    start.elapsed()
}

fn reads(store: &RedbStore) {
    const READS: u32 = 20_000;
    let heights = || (0..u64::from(READS)).map(|n| n * 7_919 % HEIGHT);
    let start = Instant::now();
    assert!(heights().all(|height| store.hash_at(height).is_some()));
    let hash = start.elapsed() / READS;
    let start = Instant::now();
    assert!(heights().all(|height| store.block_at(height).is_some()));
    println!("reads all over the chain: a hash {hash:.2?}, a block {:.2?}", start.elapsed() / READS);
}

async fn branch(store: &RedbStore, chain: &BuiltChain) {
    let ancestor = HEIGHT - BRANCH;
    let fork = chain.fork(ancestor, 2, HEIGHT, TipRule::Any);
    let blocks: Vec<SealedBlock> = fork.upto(HEIGHT).skip(ancestor as usize + 1).collect();
    let start = Instant::now();
    for batch in blocks.chunks(BATCH) {
        store.commit(Write::Stage(batch.to_vec())).await.unwrap();
    }
    let staged = start.elapsed();
    let start = Instant::now();
    store.commit(Write::Switch { ancestor }).await.unwrap();
    println!("{BRANCH} blocks staged in {staged:.2?}, switched to in {:.2?}", start.elapsed());
    assert_eq!(store.tip(), fork.tip());
}

fn opens(folder: &Path) {
    for verify in [Verify::Quick, Verify::Full] {
        let start = Instant::now();
        let (store, report) = RedbStore::open(folder, &testnet(), &[], verify).unwrap();
        println!("opened, {verify:?}, {} of {} blocks checked: {:.2?}", report.checked, HEIGHT + 1, start.elapsed());
        drop(store);
    }
}

/// The most memory that was ever resident, in KiB.
fn resident_at_most() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
