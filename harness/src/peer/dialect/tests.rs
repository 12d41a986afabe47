//! What is sent is judged here by the text of the wire protocol alone, from the JSON that was sent.
use node::chain::{BLOCK_REWARD, MAX_CLOCK_LEAD, SealedBlock, Transaction, merkle_root, testnet};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;
use crate::history::{Field, Fields};
use crate::peer::testing::{End, NOW, Play, ask, chains, chains_on, handshake, main_at, part};
use crate::peer::{Chains, Genesis};
use crate::scenario::file::{Deviation, Flaw};
use crate::scenario::resolved::{At, Chain, Direction};

fn ledger(block_format: BlockFormat) -> Ledger {
    Ledger { block_format, genesis: None }
}

/// Everybody's with a VRF's output and a field that nobody knows.
fn genesis() -> (String, Genesis) {
    let mut block = serde_json::to_value(testnet()).unwrap();
    block["header"]["vrf_output"] = json!(vec![7; 32]);
    block["header"]["later"] = json!({"x": u64::MAX});
    let text = block.to_string();
    (text.clone(), serde_json::from_str(&text).unwrap())
}

fn of<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// Bytes of a list of numbers.
fn bytes(value: &Value) -> Vec<u8> {
    of(value)
}

fn hash(format: BlockFormat, block: &Value) -> Hash {
    let header = &block["header"];
    let number = |name: &str| header[name].as_u64().unwrap();
    let mut hashed = [&(number("version") as u32).to_le_bytes()[..], &number("height").to_le_bytes()].concat();
    hashed.extend(bytes(&header["previous_hash"]));
    hashed.extend(bytes(&header["merkle_root"]));
    hashed.extend(number("timestamp").to_le_bytes());
    hashed.extend(number("block_reward").to_le_bytes());
    hashed.extend(header["leader"].as_str().unwrap().as_bytes());
    hashed.extend(bytes(&header["attestation_root"]));
    if format != BlockFormat::V1 {
        hashed.extend(bytes(&header["vrf_output"]));
        hashed.extend(number("vrf_score").to_le_bytes());
    }
    if format == BlockFormat::V3 {
        hashed.extend(bytes(&header["active_masternodes_bitmap"]));
    }
    Hash(Sha256::digest(hashed).into())
}

/// All that is wrong with a block after `parent`, whose hash is told.
fn wrongs(format: BlockFormat, parent: (&Value, Hash), block: &Value) -> Vec<&'static str> {
    let (header, above) = (&block["header"], &parent.0["header"]);
    let previous: Hash = of(&header["previous_hash"]);
    let transactions: Vec<Transaction> = of(&block["transactions"]);
    let txids: Vec<Hash> = transactions.iter().map(Transaction::txid).collect();
    let rewards: Vec<(String, u64)> = of(&block["masternode_rewards"]);
    let (reward, time) = (header["block_reward"].as_u64().unwrap(), header["timestamp"].as_i64().unwrap());
    let paid = match transactions.as_slice() {
        _ if format != BlockFormat::V3 => true,
        [created, spent, ..] => {
            let outputs: Vec<_> = created.outputs.iter().map(|to| (to.value, to.script_pubkey.as_slice())).collect();
            let to: Vec<_> = spent.outputs.iter().map(|to| (to.script_pubkey.clone(), to.value)).collect();
            let [input] = spent.inputs.as_slice() else { panic!("one input") };
            created.inputs.is_empty()
                && outputs == [(reward, b"BLOCK_REWARD".as_slice())]
                && (input.previous_output.txid, input.previous_output.vout) == (txids[0], 0)
                && to == rewards.iter().map(|(address, value)| (address.clone().into(), *value)).collect::<Vec<_>>()
        }
        _ => false,
    };
    let keys: &[&str] = match format {
        BlockFormat::V1 => &[],
        BlockFormat::V2 => &["vrf_proof"],
        BlockFormat::V3 => &["vrf_proof", "active_masternodes_bitmap", "liveness_recovery"],
    };
    [
        ("height", header["height"].as_u64() != above["height"].as_u64().map(|height| height + 1)),
        ("zero previous hash", previous == Hash::ZERO),
        ("previous hash", previous != Hash::ZERO && previous != parent.1),
        ("merkle root", of::<Hash>(&header["merkle_root"]) != merkle_root(&txids)),
        ("not after its parent", time <= above["timestamp"].as_i64().unwrap()),
        ("ahead of the clock", time > NOW + MAX_CLOCK_LEAD),
        ("reward", reward > BLOCK_REWARD),
        ("sum of rewards", rewards.iter().map(|(_, value)| value).sum::<u64>() != reward),
        ("payment", !paid),
        ("no leader", header["leader"] == ""),
        ("fields", !keys.iter().all(|key| header.get(key).is_some())),
    ]
    .into_iter()
    .filter_map(|(what, wrong)| wrong.then_some(what))
    .collect()
}

/// The blocks of a line.
fn values(line: &[u8]) -> Vec<Value> {
    let line: Value = serde_json::from_slice(line).unwrap();
    let content = line.as_object().unwrap().values().next().unwrap();
    content.as_array().cloned().unwrap_or_else(|| vec![content.clone()])
}

/// A node with this ledger that dialled a peer, and has its Ack.
async fn met(ledger: &Ledger, deviations: Vec<Deviation>) -> (Play, End) {
    let play = Play::on(ledger, part(deviations), 1).await;
    let mut end = play.dial().await;
    end.send(&handshake()).await;
    assert_eq!(end.next().await.unwrap().name(), "Ack");
    (play, end)
}

/// The line of the next message that isn't a ping.
async fn line(end: &mut End) -> String {
    loop {
        let line = end.line().await.unwrap();
        if !line.starts_with("{\"Ping\"") {
            return line;
        }
    }
}

async fn asked(end: &mut End, request: &Message) -> Vec<Value> {
    end.send(request).await;
    values(line(end).await.as_bytes())
}

async fn told(end: &mut End, height: Height) -> Hash {
    match end.ask(&Message::GetBlockHash(height)).await {
        Message::BlockHashResponse { hash: Some(hash), .. } => hash,
        other => panic!("{other:?}"),
    }
}

fn text(fields: &Fields, name: &str) -> String {
    match fields.get(name) {
        Some(Field::Text(text)) => text.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn whole_chains_link_in_each_format_and_hashes_are_told_in_it() {
    let (_, known) = genesis();
    for format in [BlockFormat::V1, BlockFormat::V2, BlockFormat::V3] {
        for genesis in [None, Some(known.clone())] {
            let ledger = Ledger { block_format: format, genesis };
            let chains = chains_on(&ledger);
            let (play, mut end) = met(&ledger, Vec::new()).await;
            let mut parent: Option<(Value, Hash)> = None;
            for start in [0, 500, 1_000] {
                for block in asked(&mut end, &ask(start, u64::MAX)).await {
                    let mut own = block.clone();
                    if parent.is_none() && ledger.genesis.is_some() {
                        // What it lacks counts as zeros.
                        own["header"]["vrf_score"] = json!(0);
                        own["header"]["active_masternodes_bitmap"] = json!([]);
                    }
                    if let Some((parent, hash)) = &parent {
                        assert_eq!(wrongs(format, (parent, *hash), &block), [""; 0]);
                    }
                    parent = Some((block, hash(format, &own)));
                }
            }
            let (tip, tip_hash) = parent.unwrap();
            assert_eq!(tip["header"]["height"], 1_000);
            assert_eq!(chains.hash(&main_at(1_000)), Some(tip_hash));
            assert_eq!(chains.hash_like(1_000, &tip_hash.short()), Some(tip_hash));
            assert_eq!(told(&mut end, 1_000).await, tip_hash);
            let answer = end.ask(&Message::GetChainTip).await;
            assert_eq!(answer, Message::ChainTipResponse { height: 1_000, hash: tip_hash });
            let noted = play.recorded(true, "ChainTipResponse");
            assert_eq!(text(&noted[0], "hash"), tip_hash.to_string());
            let lists = play.recorded(true, "BlockRangeResponse");
            assert!(lists.iter().all(|fields| !fields.contains_key("broken")));
        }
    }
}

#[test]
fn a_v3_block_is_as_python_has_it() {
    let chains = chains_on(&ledger(BlockFormat::V3));
    let block = chains.whole("main").block(1).unwrap();
    let (_, note) = chains.dialect().write(&Message::BlockAnnouncement(block));
    // By Python's json, hashlib and struct, from the line for this block: its txids, their root, the payment, the genesis' hash, its own.
    let hash = "55fb350a1f9da1eadbdc0caa698e5e3aeae67d78601d0026b1741aa518bc527c";
    assert_eq!(text(&note.fields, "hash"), hash);
    assert_eq!(chains.hash(&main_at(1)).unwrap().to_string(), hash);
}

#[tokio::test(start_paused = true)]
async fn the_genesis_is_sent_as_it_was_given_and_all_begins_with_it() {
    let (json, known) = genesis();
    let ledger = Ledger { block_format: BlockFormat::V3, genesis: Some(known.clone()) };
    let (play, mut end) = met(&ledger, Vec::new()).await;
    end.send(&Message::RequestGenesis).await;
    assert_eq!(line(&mut end).await, format!("{{\"GenesisAnnouncement\":{json}}}\n"));
    end.send(&Message::GetBlocks(0, 0)).await;
    assert_eq!(line(&mut end).await, format!("{{\"BlocksResponse\":[{json}]}}\n"));
    let Message::GenesisHashResponse(told) = end.ask(&Message::GetGenesisHash).await else { panic!() };
    assert_eq!(told, known.hash(BlockFormat::V3));
    assert_ne!(told, chains_on(&self::ledger(BlockFormat::V3)).hash(&main_at(0)).unwrap());
    assert_eq!(text(&play.recorded(true, "GenesisAnnouncement")[0], "hash"), told.to_string());
    let mut late = node::chain::Block::clone(&testnet());
    late.header.timestamp += 1_000;
    let late: Genesis = serde_json::from_value(serde_json::to_value(late).unwrap()).unwrap();
    let chains = chains_on(&Ledger { genesis: Some(late), ..Ledger::default() });
    let main = chains.whole("main");
    assert_eq!(main.block(1).unwrap().timestamp(), testnet().timestamp() + 1_600);
    assert_eq!(chains.hash(&main_at(9)), main.block(9).map(|block| block.hash()), "v1 stays v1");
}

#[tokio::test(start_paused = true)]
async fn bad_blocks_are_wrong_in_the_same_one_way() {
    for format in [BlockFormat::V1, BlockFormat::V2, BlockFormat::V3] {
        for (flaw, wrong) in [
            (Flaw::PreviousHash, "previous hash"),
            (Flaw::MerkleRoot, "merkle root"),
            (Flaw::Height, "height"),
            (Flaw::ZeroPreviousHash, "zero previous hash"),
            (Flaw::Timestamp, "ahead of the clock"),
            (Flaw::Reward, "reward"),
        ] {
            let ledger = ledger(format);
            let (_play, mut end) = met(&ledger, vec![Deviation::InvalidBlock { at: 250, flaw }]).await;
            let blocks = asked(&mut end, &ask(249, 251)).await;
            let good = told(&mut end, 250).await;
            assert_eq!(Some(good), chains_on(&ledger).hash(&main_at(250)), "hashes stay those of the good chain");
            assert_eq!(wrongs(format, (&blocks[0], hash(format, &blocks[0])), &blocks[1]), [wrong], "{format}");
            assert_eq!(of::<Hash>(&blocks[2]["header"]["previous_hash"]), good);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn chains_that_are_made_on_the_way_link_too() {
    for format in [BlockFormat::V2, BlockFormat::V3] {
        let ledger = ledger(format);
        let (play, mut end) = met(&ledger, vec![Deviation::WrongGenesis]).await;
        let blocks = asked(&mut end, &ask(0, 3)).await;
        assert_ne!(Some(hash(format, &blocks[0])), chains_on(&ledger).hash(&main_at(0)));
        for pair in blocks.windows(2) {
            assert_eq!(wrongs(format, (&pair[0], hash(format, &pair[0])), &pair[1]), [""; 0]);
        }
        play.direct(Direction::Deviate(Vec::new()));
        let push = |start, end| Direction::Push { start, end, form: crate::scenario::file::PushForm::List };
        play.direct(push(1_240, 1_250));
        let high = values(line(&mut end).await.as_bytes());
        play.direct(push(1_199, 1_240));
        let low = values(line(&mut end).await.as_bytes());
        for pair in low.iter().chain(&high[1..]).collect::<Vec<_>>().windows(2) {
            assert_eq!(wrongs(format, (pair[0], hash(format, pair[0])), pair[1]), [""; 0]);
        }
        assert_eq!(low.last(), high.first());
    }
}

#[test]
fn a_fork_that_is_to_be_lower_is_so_in_each_format() {
    for format in [BlockFormat::V1, BlockFormat::V2, BlockFormat::V3] {
        for n in 0..8 {
            let at = |chain: &str, height| At { chain: chain.to_owned(), height };
            let name = format!("f{n}");
            let fork = Chain { fork_of: Some(main_at(10)), lower_than: Some(main_at(15)), padding: 0, height: 18 };
            let main = Chain { fork_of: None, lower_than: None, padding: 0, height: 20 };
            let built = Chains::on(&ledger(format), &[(name.clone(), fork), ("main".to_owned(), main)].into());
            let fork = built.whole(&name);
            let blocks = fork.upto(18).collect();
            let (line, _) = built.dialect().write(&Message::BlocksResponse(blocks));
            let blocks = values(&line);
            for pair in blocks.windows(2) {
                assert_eq!(wrongs(format, (&pair[0], hash(format, &pair[0])), &pair[1]), [""; 0], "ground, too");
            }
            assert!(hash(format, &blocks[15]) < built.hash(&main_at(15)).unwrap());
            assert_eq!(built.hash(&at(&name, 15)), Some(hash(format, &blocks[15])));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_heard_is_noted_with_the_hashes_of_its_format() {
    for format in [BlockFormat::V2, BlockFormat::V3] {
        let ledger = ledger(format);
        let chains = chains_on(&ledger);
        let (play, mut end) = met(&ledger, Vec::new()).await;
        let blocks: Vec<SealedBlock> = chains.whole("main").upto(5).collect();
        let mut strange = values(&chains.dialect().write(&Message::BlockAnnouncement(blocks[5].clone())).0).remove(0);
        strange["header"]["vrf_output"] = json!(vec![9; 32]);
        strange["header"]["vrf_score"] = json!(u64::MAX);
        strange["header"]["active_masternodes_bitmap"] = json!([1, 2, 3]);
        let mut lines = vec![
            chains.dialect().write(&Message::BlocksResponse(blocks.clone())).0,
            chains.dialect().write(&Message::BlockAnnouncement(blocks[5].clone())).0,
            format!("{}\n", json!({"BlockAnnouncement": strange})).into_bytes(),
        ];
        let gap = [blocks[1].clone(), blocks[3].clone()].into();
        lines.push(chains.dialect().write(&Message::BlockRangeResponse(gap)).0);
        strange["header"]["vrf_score"] = json!("no number");
        lines.push(format!("{}\n", json!({"BlockResponse": strange})).into_bytes());
        for line in lines {
            tokio::io::AsyncWriteExt::write_all(&mut end.0, &line).await.unwrap();
        }
        end.ask(&Message::GetBlockHeight).await;
        let [list, gap] = ["BlocksResponse", "BlockRangeResponse"].map(|name| play.recorded(false, name).remove(0));
        assert!(!list.contains_key("broken") && gap.contains_key("broken"));
        let announced: Vec<_> =
            play.recorded(false, "BlockAnnouncement").iter().map(|fields| text(fields, "hash")).collect();
        strange["header"]["vrf_score"] = json!(u64::MAX);
        assert_eq!(announced, [chains.hash(&main_at(5)).unwrap(), hash(format, &strange)].map(|hash| hash.to_string()));
        assert_eq!(play.recorded(false, "BlockResponse").len(), 1);
    }
}

#[test]
fn sizes_are_those_on_the_wire() {
    for ledger in [Ledger::default(), ledger(BlockFormat::V3)] {
        let chains = chains_on(&ledger);
        for block in chains.whole("main").upto(3) {
            let (line, _) = chains.dialect().write(&Message::BlockResponse(block.clone()));
            let envelope = "{\"BlockResponse\":}\n".len();
            assert_eq!(chains.dialect().json_len(&block), line.len() - envelope);
            // Blocks that nobody built.
            let mut other = node::chain::Block::clone(&block);
            other.header.leader = "somebody".repeat(9);
            let other = SealedBlock::new(other);
            let (line, _) = chains.dialect().write(&Message::BlockResponse(other.clone()));
            assert_eq!(chains.dialect().json_len(&other), line.len() - envelope);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_cut_by_its_size_on_the_wire() {
    let (_, known) = genesis();
    let padded = known.json().replacen("\"later\"", &format!("\"pad\":\"{}\",\"later\"", "x".repeat(1_990_000)), 1);
    let genesis = Some(serde_json::from_str(&padded).unwrap());
    let (_play, mut end) = met(&Ledger { block_format: BlockFormat::V3, genesis }, Vec::new()).await;
    end.send(&ask(0, 500)).await;
    let line = line(&mut end).await;
    assert!(line.len() - 1 <= node::wire::MAX_LINE && line.len() > 1_995_000, "{}", line.len());
    assert!((2..10).contains(&values(line.as_bytes()).len()));
}

#[test]
fn nothing_changes_for_the_reference_node() {
    let chains = chains();
    let message = Message::BlocksResponse(chains.whole("main").upto(9).collect());
    assert_eq!(chains.dialect().write(&message), (encode(&message), Note::from(&message)));
    assert_eq!(chains.hash(&main_at(9)), chains.whole("main").block(9).map(|block| block.hash()));
    let (decoded, note) = chains.dialect().read(&encode(&message));
    assert_eq!((decoded, note), (Ok(Decoded::Message(message.clone())), Some(Note::from(&message))));
}
