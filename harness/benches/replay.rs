//! What reading logs costs: throughput beside `grep` with the same words, an excerpt, and memory for `LOCKSTEP_BENCH_MIB` of log (default 256).
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement that can not be done ends, and time is what it measures"
)]
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use harness::replay::fold::Fold;
use harness::replay::read::{Options, read};

const ANCHORS: &str = "Sent ping to\nReceived ping from\nReceived pong from\nPong MATCHED for\nStatus: Height=\nStill syncing... height\nRequesting blocks\nReceived \nPeer \nSkipped block\n";

/// Of ten lines: four pings and pongs of two peers, a status, a sync line, a request, an answer, a skipped block, and one that nobody knows.
fn log(path: &Path, bytes: usize) {
    let mut to = BufWriter::new(File::create(path).unwrap());
    let (mut written, mut second) = (0, 0_u64);
    while written < bytes {
        let (day, rest) = (1 + second / 86_400 % 28, second % 86_400);
        let time = format!("2025-12-{day:02} {:02}:{:02}:{:02}.125", rest / 3_600, rest / 60 % 60, rest % 60);
        let (nonce, height) = (second.wrapping_mul(0x9E37_79B9_7F4A_7C15), 2_626 + second / 600);
        for message in [
            format!("📤 [Outbound] Sent ping to 203.0.113.32 at height {height} (nonce: {nonce})"),
            format!("📨 [Outbound] Received pong from 203.0.113.32 at height 3737  (nonce: {nonce})"),
            format!("✅ [Outbound] Pong MATCHED for 203.0.113.32 (nonce: {nonce}), 0 pending pings remain"),
            format!("📨 [Inbound] Received ping from 203.0.113.33:40422 (nonce: {})", nonce ^ 1),
            format!("📊 Status: Height={height}, Active Masternodes=5"),
            format!("⏳ Still syncing... height {height} / 3737 (180s elapsed)"),
            format!("📤 Requesting blocks {}-{} from 203.0.113.32", height + 1, height + 500),
            format!("📥 [Outbound] Received 101 blocks (height 2525-2625) from 203.0.113.32 (our height: {height})"),
            format!("⏭️ [Outbound] Skipped block {height}: Block {height} previous_hash mismatch"),
            "🔄 Transaction pool swept, nothing to drop".to_owned(),
        ] {
            let line = format!("{time} [mn31]  INFO {message}\n");
            to.write_all(line.as_bytes()).unwrap();
            written += line.len();
        }
        second += 15;
    }
    to.flush().unwrap();
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let began = Instant::now();
    let done = work();
    (began.elapsed().as_secs_f64(), done)
}

/// Most memory that this process ever held, MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1_024
}

fn folded(path: &PathBuf) -> (u64, u64) {
    let mut fold = Fold::default();
    let reading = read(std::slice::from_ref(path), &Options::default(), &mut |told| fold.tell(told)).unwrap();
    (reading.files[0].lines, reading.files[0].events)
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let size = std::env::var("LOCKSTEP_BENCH_MIB").ok().and_then(|size| size.parse().ok()).unwrap_or(256_usize);
    let (path, anchors, excerpt) = (dir.path().join("mn31.log"), dir.path().join("words"), dir.path().join("few.log"));
    log(&path, size << 20);
    log(&excerpt, 10_000);
    std::fs::write(&anchors, ANCHORS).unwrap();
    let (took, (lines, _)) = timed(|| folded(&excerpt));
    println!("an excerpt of {lines} lines: {:.1} ms (goal 100)", took * 1e3);
    let bytes = std::fs::metadata(&path).unwrap().len() as f64;
    let grep = |kind: &str| {
        let mut grep = Command::new("grep");
        timed(|| grep.args(["-c", kind, "-f"]).arg(&anchors).arg(&path).output().unwrap()).0
    };
    // Once before, so that all read from memory.
    grep("-F");
    let (took, (lines, events)) = timed(|| folded(&path));
    println!("{lines} lines, {events} events: {:.0} MB/s (goal 150)", bytes / took / 1e6);
    for kind in ["-F", "-E"] {
        let grep = grep(kind);
        println!("grep -c {kind}: {:.0} MB/s, so reading takes {:.2} times as long", bytes / grep / 1e6, took / grep);
    }
    println!("memory at most: {} MiB for {size} MiB of log (goal 64)", peak());
}
