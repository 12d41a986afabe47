//! What reading a log costs, beside grep with the same patterns, as figures and as ratios within one run: `ci/numbers.sh`.
//!
//! `LOCKSTEP_LOG_MIB` is the log's size (256); with 2048 it takes about a minute and 2 GiB of the folder for temporary files.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a benchmark that fails, fails")]
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use harness::replay::fold::Fold;
use harness::replay::read::{Options, read};

const PATTERNS: &str = include_str!("../../fixtures/patterns.yaml");
const MIB: u64 = 1 << 20;
/// What is looked at for speed: grep with regular expressions is slow.
const COMPARED: u64 = 64 * MIB;

/// A fifth each of pings and pongs that are sent, of those that come, of pongs that are matched, of what a sync says, and of lines that nobody knows.
const MESSAGES: [&str; 15] = [
    "📤 [Outbound] Sent ping to IP at height H (nonce: N)",
    "📥 [Inbound] Received ping from IP:40544 (nonce: N)",
    "✅ [Outbound] Pong MATCHED for IP (nonce: N), 0 pending pings remain",
    "📊 Status: Height=H, Active Masternodes=5",
    "🔍 Checked the pool: 3 transactions, 512 bytes, 7 ms",
    "📤 [Inbound] Sent pong to IP:40544 (nonce: N)",
    "📨 [Outbound] Received pong from IP at height H  (nonce: N)",
    "✅ [Outbound] Pong MATCHED for IP (nonce: N), 1 pending pings remain",
    "📤 Requesting blocks H-H from IP",
    "🔐 Signature of IP verified for heartbeat 77 (slot 5)",
    "📤 [Outbound] Sent ping to IP at height H (nonce: N)",
    "📥 [Inbound] Received ping from IP:40544 (nonce: N)",
    "✅ [Outbound] Pong MATCHED for IP (nonce: N), 2 pending pings remain",
    "⏳ Still syncing... height H / H (90s elapsed)",
    "Broadcasting GetMasternodes to all peers",
];

/// A node in trouble: hardly a line that is not an event.
const TROUBLE: [&str; 15] = [
    "📤 Requesting blocks H-H from IP",
    "📦 Received 101 blocks from IP (requested H-H, got H-H)",
    "⚠️ Skipped block H: Block H previous_hash mismatch: expected ab, got cd",
    "🔌 Connection to IP ended: Connection reset by peer",
    "🔄 [MASTERNODE] Reconnecting to IP in 5.2s",
    "🔗 Connecting to IP:24100",
    "✓ Connected to peer: IP",
    "⚠️ [Outbound] Ping timeout from IP (nonce: N, missed: 1/3)",
    "📊 Status: Height=H, Active Masternodes=5",
    "⏳ Still syncing... height H / H (90s elapsed)",
    "🔀 Fork at height H. Checking previous block at height H (searched 1 blocks back)",
    "📥 [Inbound] Received ping from IP:40544 (nonce: N)",
    "⚠️ Peer IP disconnected (Connection timed out)",
    "🔍 Checked the pool: 3 transactions, 512 bytes, 7 ms",
    "📤 Requesting blocks H-H from IP",
];

#[derive(Clone, Copy)]
enum Form {
    Plain,
    Coloured,
    Journald,
    Json,
}

fn main() {
    println!("figures of this machine; ratios are within this run");
    let mib = std::env::var("LOCKSTEP_LOG_MIB").map_or(256, |text| text.parse().expect("a number of MiB"));
    let dir = tempfile::tempdir().expect("a folder for temporary files");
    whole(dir.path(), mib);
    folded(dir.path());
    beside_grep(dir.path());
    for (name, form) in [("with colours", Form::Coloured), ("of journald", Form::Journald), ("of JSON", Form::Json)] {
        let log = log(dir.path(), &MESSAGES, form, COMPARED);
        println!("lines {name}: {:.0} MB/s", speed(COMPARED, ours(&log, 1)));
    }
    excerpt(dir.path());
}

/// First: what was used once would count.
fn whole(dir: &Path, mib: u64) {
    let log = log(dir, &MESSAGES, Form::Plain, mib * MIB);
    let spent = ours(&log, 1);
    fs::remove_file(&log).expect("it is there");
    println!(
        "a log of {mib} MiB: {spent:.2?} CPU, {:.0} MB/s (goal 150), {} KiB resident at most (goal 65,536)",
        speed(mib * MIB, spent),
        resident_at_most()
    );
}

/// What the reading is for: an incident.
fn folded(dir: &Path) {
    for (name, messages) in [("as usual", &MESSAGES), ("of a node in trouble", &TROUBLE)] {
        let log = log(dir, messages, Form::Plain, COMPARED);
        let reading = ours(&log, 1);
        let before = cpu(11);
        let (mut fold, mut events) = (Fold::default(), 0);
        read(std::slice::from_ref(&log), &Options::default(), &mut |told| {
            fold.tell(told);
            events += 1;
        })
        .expect("it is read");
        let both = cpu(11) - before;
        println!(
            "a log {name}, {events} events: read {:.0} MB/s, read and folded {:.0} MB/s (goal 150)",
            speed(COMPARED, reading),
            speed(COMPARED, both)
        );
    }
}

fn beside_grep(dir: &Path) {
    let log = log(dir, &MESSAGES, Form::Plain, COMPARED);
    let all: Vec<BTreeMap<String, serde_json::Value>> = serde_yaml::from_str(PATTERNS).expect("the patterns are valid");
    let lines: Vec<&str> = all.iter().map(|pattern| pattern["line"].as_str().expect("a text")).collect();
    let anchors: Vec<&str> = lines.iter().map(|line| line.split('{').next().unwrap_or_default()).collect();
    let expressions: Vec<String> = lines.iter().map(|line| expression(line)).collect();
    fs::write(dir.join("words"), anchors.join("\n")).expect("written");
    fs::write(dir.join("expressions"), expressions.join("\n")).expect("written");
    let (spent_here, mut events) = (ours(&log, 1), 0);
    read(std::slice::from_ref(&log), &Options::default(), &mut |_| events += 1).expect("it is read");
    print!("{} patterns, {events} events: {:.0} MB/s", lines.len(), speed(COMPARED, spent_here));
    for (option, file) in [("-F", "words"), ("-E", "expressions")] {
        let before = cpu(13);
        let mut grep = Command::new("grep");
        grep.args(["-c", option, "-f"]).arg(dir.join(file)).arg(&log).env("LC_ALL", "C");
        let counted = grep.output().expect("grep is there").stdout;
        let spent = cpu(13) - before;
        let counted = String::from_utf8_lossy(&counted).trim().to_owned();
        let ratio = spent_here.as_secs_f64() / spent.as_secs_f64();
        print!(
            "; grep -c{option}: {counted} lines, {:.0} MB/s, ratio {ratio:.2}",
            speed(COMPARED, spent),
            option = &option[1..]
        );
    }
    println!();
}

fn excerpt(dir: &Path) {
    let log = log(dir, &MESSAGES, Form::Plain, 100 * 110);
    println!("an excerpt of 100 lines: {:.2?} CPU (goal 0.1 s)", ours(&log, 100));
}

/// CPU time to read it once, with the patterns.
fn ours(log: &Path, times: u32) -> Duration {
    let before = cpu(11);
    for _ in 0..times {
        read(&[log.to_owned()], &Options::default(), &mut |told| {
            std::hint::black_box(told);
        })
        .expect("it is read");
    }
    (cpu(11) - before) / times
}

/// Writes a log of about so many bytes.
fn log(dir: &Path, messages: &[&str; 15], form: Form, bytes: u64) -> PathBuf {
    let path = dir.join("node.log");
    let mut to = BufWriter::new(File::create(&path).expect("a file"));
    let (mut written, mut text) = (0, String::new());
    for line in 0_u64.. {
        let (ip, height) = (format!("50.28.104.{}", line % 7), (3700 + line / 50_000).to_string());
        let nonce = line.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string();
        let message = messages[line as usize % messages.len()];
        let message =
            message.replace("IP", &ip).replace("H ", &format!("{height} ")).replace(": N", &format!(": {nonce}"));
        let message = message.replace("=H", &format!("={height}")).replace("H-H", &format!("{height}-{height}"));
        let millis = line * 3;
        let (hour, minute, second) = (millis / 3_600_000 % 24, millis / 60_000 % 60, millis / 1000 % 60);
        let clock = format!("{hour:02}:{minute:02}:{second:02}");
        let (day, millis) = (millis / 86_400_000 % 28 + 1, millis % 1000);
        text.clear();
        match form {
            Form::Plain => writeln!(text, "2025-12-{day:02} {clock}.{millis:03} [mn11]  INFO {message}"),
            Form::Coloured => writeln!(
                text,
                "\u{1b}[2m2025-12-{day:02} {clock}.{millis:03} [mn11]\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m {message}"
            ),
            Form::Journald => writeln!(text, "Dec {day:02} {clock} LW-Ohio timed[312887]:  INFO {message}"),
            Form::Json => writeln!(
                text,
                r#"{{"timestamp":"2025-12-{day:02}T{clock}.{millis:03}Z","level":"INFO","fields":{{"message":"{message}"}},"target":"timed"}}"#
            ),
        }
        .expect("written");
        to.write_all(text.as_bytes()).expect("written");
        written += text.len() as u64;
        if written >= bytes {
            break;
        }
    }
    to.flush().expect("written");
    path
}

/// A pattern as an extended regular expression.
fn expression(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        rest = &rest[letter.len_utf8()..];
        match letter {
            '{' if rest.starts_with('?') => {
                rest = &rest[1..];
                text.push('(');
            }
            '{' => {
                let (value, after) = rest.split_once('}').expect("the patterns are valid");
                rest = after;
                text += match value.rsplit(':').next().unwrap_or_default() {
                    "ip" => "[0-9.]+(:[0-9]+)?",
                    "word" => "[^ ]+",
                    "rest" => ".*",
                    "$" => "$",
                    _ => "[0-9]+",
                };
            }
            '}' => text += ")?",
            ' ' => text += " +",
            '(' | ')' | '[' | ']' | '.' | '?' | '+' | '*' => text.extend(['\\', letter]),
            _ => text.push(letter),
        }
    }
    text
}

fn speed(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

/// CPU time, user and system, in steps of 10 ms: 11 of this process, 13 of those that it waited for.
fn cpu(field: usize) -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after_name.split_whitespace().skip(field).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The most memory that was ever resident, in KiB.
fn resident_at_most() -> i64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
