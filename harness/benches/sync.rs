//! How fast a node takes 100,000 blocks from one peer on loopback, beside three limits measured in the same run: `ci/numbers.sh`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a benchmark that fails, fails; in real time")]
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::peer::Chains;
use harness::scenario::resolved::{At, Chain};
use node::chain::{Hash, SealedBlock, compact_json};
use node::wire::{Decoded, Message, decode, encode};
use redb::{Builder, TableDefinition};

const HEIGHT: u64 = 100_000;
const BATCH: usize = 500;
const ROUNDS: usize = 3;
const NODE: Ipv4Addr = Ipv4Addr::new(127, 63, 0, 101);
const PEER: Ipv4Addr = Ipv4Addr::new(127, 63, 0, 102);

fn main() {
    println!("figures of this machine, best of {ROUNDS} rounds; ratios are within this run");
    let chain = Chain { fork_of: None, lower_than: None, padding: 0, height: HEIGHT };
    let chains = Chains::of(&[("main".to_owned(), chain)].into());
    let at = At { chain: "main".to_owned(), height: HEIGHT };
    let blocks: Vec<SealedBlock> = chains.blocks(&at).upto(HEIGHT).skip(1).collect();
    let lines: Vec<Vec<u8>> = blocks.iter().map(compact_json).collect();
    let bytes: usize = lines.iter().map(Vec::len).sum();
    println!("{HEIGHT} blocks of {} bytes", bytes / lines.len());
    serve(lines.clone(), node::chain::testnet().hash());

    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut best: BTreeMap<&str, Duration> = BTreeMap::new();
    let mut note = |what, took: Duration| {
        let held = best.entry(what).or_insert(took);
        *held = took.min(*held);
    };
    let mut synced = Vec::new();
    for round in 0..ROUNDS {
        // Turn and turn about, so that a machine that slows down slows all.
        note("parsing the lines with serde_json", timed(|| parse(&lines)));
        note("hashing the headers", timed(|| hash(&blocks)));
        note("writing the batches to redb with fsync", write(&folder.path().join(format!("plain-{round}")), &lines));
        synced.push(sync(&folder.path().join(format!("node-{round}"))));
    }
    let rate = |took: Duration| HEIGHT as f64 / took.as_secs_f64();
    let mut slowest = f64::INFINITY;
    for (what, took) in best {
        println!("limit: {what}: {:.0} blocks/s", rate(took));
        slowest = slowest.min(rate(took));
    }
    let best = synced.iter().min_by_key(|synced| synced.took).unwrap();
    println!(
        "the node: {:.0} blocks/s, {:.2} of the slowest limit (goal 0.50); {:.2} s of CPU; {} MiB resident at most (goal 150)",
        rate(best.took),
        rate(best.took) / slowest,
        best.cpu.as_secs_f64(),
        best.memory_kib / 1024
    );
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn parse(lines: &[Vec<u8>]) {
    for line in lines {
        let block: node::chain::Block = serde_json::from_slice(line).unwrap();
        std::hint::black_box(block);
    }
}

fn hash(blocks: &[SealedBlock]) {
    for block in blocks {
        std::hint::black_box(node::chain::Block::hash(block));
    }
}

fn write(file: &Path, lines: &[Vec<u8>]) -> Duration {
    const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
    let database = Builder::new().set_cache_size(16 << 20).create(file).unwrap();
    timed(|| {
        for (n, batch) in lines.chunks(BATCH).enumerate() {
            let write = database.begin_write().unwrap();
            {
                let mut table = write.open_table(BLOCKS).unwrap();
                for (i, line) in batch.iter().enumerate() {
                    table.insert((n * BATCH + i) as u64, line.as_slice()).unwrap();
                }
            }
            write.commit().unwrap();
        }
    })
}

/// One peer that has it all, in a thread of its own, for good. It answers from ready JSON: what is measured is the node.
fn serve(lines: Vec<Vec<u8>>, genesis: Hash) {
    let listener = TcpListener::bind((PEER, 24_100)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // An error is the node's end.
            let _ = converse(stream.unwrap(), &lines, genesis);
        }
    });
}

fn converse(mut stream: TcpStream, lines: &[Vec<u8>], genesis: Hash) -> std::io::Result<()> {
    let mut said = BufReader::new(stream.try_clone()?);
    let mut line = Vec::new();
    while said.read_until(b'\n', &mut line)? > 0 {
        let Ok(Decoded::Message(message)) = decode(&line) else { panic!("{}", String::from_utf8_lossy(&line)) };
        line.clear();
        let answer = match message {
            Message::Handshake { .. } => Message::Ack { message_type: "Handshake".to_owned() },
            Message::Ping { nonce, timestamp, .. } => Message::Pong { nonce, timestamp, height: Some(HEIGHT) },
            Message::GetGenesisHash => Message::GenesisHashResponse(genesis),
            Message::GetBlockRange { start_height, end_height } => {
                let blocks = &lines[start_height as usize - 1..end_height as usize];
                stream.write_all(&[&b"{\"BlockRangeResponse\":["[..], &blocks.join(&b','), b"]}\n"].concat())?;
                continue;
            }
            _ => continue,
        };
        stream.write_all(&encode(&answer))?;
    }
    Ok(())
}

struct Synced {
    took: Duration,
    cpu: Duration,
    memory_kib: u64,
}

/// A node from nothing to the peer's height: from its first request to its last durable write, as its log has them.
fn sync(folder: &Path) -> Synced {
    fs::create_dir(folder).unwrap();
    let config = format!(
        "[network]\nlisten = \"{NODE}:24100\"\nwhitelisted_peers = [\"{PEER}\"]\n[store]\npath = \"data\"\n\
         [log]\nformat = \"json\"\nlevel = \"node=debug\"\n[sync]\ncoordinator_interval = 1\n"
    );
    fs::write(folder.join("config.toml"), config).unwrap();
    let log = folder.join("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_reference-node"));
    command.arg("run").arg("--config").arg(folder.join("config.toml")).stdin(Stdio::null());
    let mut node = command.stdout(fs::File::create(&log).unwrap()).spawn().unwrap();
    let last = (String::from("\"event\":\"appended\""), format!("\"height\":{HEIGHT},"));
    let said = loop {
        let said = fs::read_to_string(&log).unwrap();
        if said.lines().any(|line| line.contains(&last.0) && line.contains(&last.1)) {
            break said;
        }
        assert!(node.try_wait().unwrap().is_none(), "the node ended: {said}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let status = fs::read_to_string(format!("/proc/{}/status", node.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let memory_kib = peak.trim().trim_end_matches(" kB").parse().unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", node.id())).unwrap();
    // User and system time in hundredths of a second (proc(5)).
    let ticks = stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2).map(|n| n.parse::<u64>().unwrap());
    let cpu = Duration::from_millis(10 * ticks.sum::<u64>());
    node.kill().unwrap();
    node.wait().unwrap();
    let at = |words: &str| time(said.lines().find(|line| line.contains(words)).unwrap());
    let end = said.lines().rfind(|line| line.contains(&last.0)).map(time).unwrap();
    Synced {
        took: Duration::from_secs_f64((end - at("\"event\":\"requested\"")).rem_euclid(86_400.0)),
        cpu,
        memory_kib,
    }
}

/// A line's time of day in seconds.
fn time(line: &str) -> f64 {
    let (_, stamp) = line.split_once('T').unwrap();
    let parts = stamp.split(['Z', '"']).next().unwrap().split(':');
    parts.fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
}
