//! kill -9 at any moment: the chain is whole, and the old or the new one. `KILLS` says how often, 20 times by default.
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use node::chain::{BuiltChain, ChainView, Height, Tip, TipRule, testnet};
use node::store::{RedbStore, Store, Write};

use crate::child;
use crate::scratch::{blocks, chain, folder, open_whole, random};

const HEIGHT: Height = 400;
/// Where the branches leave.
const ANCESTOR: Height = 200;
/// How far a branch reaches that is switched to; the rest is appended.
const BRANCH: Height = 260;
const BATCH: Height = 50;

/// The two chains between which the child switches; it appends to the one that it is on.
fn chains() -> [BuiltChain; 2] {
    let main = chain(HEIGHT);
    let fork = main.fork(ANCESTOR, 2, HEIGHT - 30, TipRule::Any);
    [main, fork]
}

/// The next write after `tip`, what is staged before it, and the tip that it leads to: up the chain in batches, and at its
/// end over to the other's branch.
fn next(chains: &[BuiltChain; 2], tip: Tip) -> (Write, Vec<Write>, Tip) {
    let on = usize::from(chains[0].hash_at(tip.height) != Some(tip.hash));
    let (here, other) = (&chains[on], &chains[1 - on]);
    if tip.height < here.tip().height {
        let to = (tip.height + BATCH).min(here.tip().height);
        let new = blocks(here, tip.height + 1, to);
        let then = new[new.len() - 1].tip();
        return (Write::Append(new), Vec::new(), then);
    }
    let staged = blocks(other, ANCESTOR + 1, BRANCH);
    let then = staged[staged.len() - 1].tip();
    let stages = staged.chunks(BATCH as usize).map(|blocks| Write::Stage(blocks.to_vec())).collect();
    (Write::Switch { ancestor: ANCESTOR }, stages, then)
}

#[test]
fn a_killed_node_has_the_old_chain_or_the_new_one() {
    let kills: u64 = std::env::var("KILLS").map_or(20, |kills| kills.parse().unwrap());
    let chains = chains();
    // On a real disk, and not in memory: that is what is tested.
    let folder = tempfile::tempdir().unwrap();
    let (mut old, mut new, mut in_switch) = (0, 0, 0);
    for n in 0..kills {
        let before = open_whole(folder.path()).tip();
        let (mut child, mut said) = start(folder.path());
        // While it opens the file, while it writes, and between.
        thread::sleep(Duration::from_micros(random(n) % 60_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut said, &mut text).unwrap();
        let after = open_whole(folder.path());
        assert_whole(&after, &chains, n);

        // The last that it said was durable, or where it began, is the old chain; what it was about to write is the new one.
        let acknowledged = text.lines().filter_map(|line| line.strip_prefix("durable ")).next_back();
        let acknowledged = acknowledged.map_or(before.hash.to_string(), str::to_owned);
        let tips = chains.iter().flat_map(|chain| chain.upto(HEIGHT)).map(|block| block.tip());
        let last = tips.into_iter().find(|tip| tip.hash.to_string() == acknowledged).unwrap();
        let (write, _, then) = next(&chains, last);
        let tip = after.tip();
        assert!(tip == last || tip == then, "kill {n}: {tip:?} is neither {last:?} nor {then:?}");
        if tip == then {
            new += 1
        } else {
            old += 1
        }
        in_switch += u64::from(matches!(write, Write::Switch { .. }));
    }
    println!("{kills} kills: {old} with the old chain, {new} with the new one; {in_switch} around a switch");
    assert_eq!(old + new, kills);
}

fn start(folder: &Path) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = child::command("kill::child", folder).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    // The harness's own first lines.
    while !line.contains("begins") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "the child did not begin");
    }
    (child, said)
}

fn assert_whole(store: &RedbStore, chains: &[BuiltChain; 2], n: u64) {
    let tip = store.tip();
    let chain = chains.iter().find(|chain| chain.hash_at(tip.height) == Some(tip.hash));
    let chain = chain.unwrap_or_else(|| panic!("kill {n}: {tip:?} is on neither chain"));
    for height in 0..=tip.height {
        assert!(store.block_at(height) == chain.block(height), "kill {n}: block {height}");
    }
    assert_eq!((store.block_at(tip.height + 1), store.staged_tip()), (None, None), "kill {n}");
}

#[tokio::test]
#[ignore = "writes until it is killed: a_killed_node_has_the_old_chain_or_the_new_one runs it"]
async fn child() {
    let chains = chains();
    println!("begins");
    let (store, _) = RedbStore::open(&child::folder(), &testnet(), &[], node::store::redb::Verify::Quick).unwrap();
    loop {
        let (write, staged, _) = next(&chains, store.tip());
        for write in staged {
            store.commit(write).await.unwrap();
        }
        store.commit(write).await.unwrap();
        println!("durable {}", store.tip().hash);
    }
}

#[test]
fn a_kill_while_a_chain_is_made_leaves_none_or_a_whole_one() {
    for n in 0..5 {
        let folder = folder();
        let (mut child, _) = start(folder.path());
        thread::sleep(Duration::from_micros(random(n) % 8_000));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_whole(&open_whole(folder.path()), &chains(), n);
    }
}
