//! What a lying peer does, as scenario files have it.
//!
//! Not drawn: `oversized_line`, `junk_bytes`, `never_reads` and `bad_handshake: slow`, which live in the framing of bytes.
use super::dice::Dice;

/// How much a whitelisted liar can disturb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// It answers what it holds, in time and to everybody alike: its vote about a fork stands.
    Quiet,
    /// What it says is of no use, and it says so at once: it is benched (D-22).
    Quick,
    /// It keeps whoever asks it waiting, until another peer is asked too (D-3).
    Slow,
}

/// What a deviation may refer to.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// The worst that is allowed.
    pub worst: Manner,
    /// Whether blocks that nobody has may be given away: beside blocks that are made they are forks.
    pub gives_blocks: bool,
    /// The height of the liar's chain.
    pub height: u64,
}

use Manner::{Quick, Quiet, Slow};

/// All kinds, worse ones later.
const KINDS: [(&str, Manner); 31] = [
    ("no_heights", Quiet),
    ("height_in_pings_only", Quiet),
    ("height_in_pongs_only", Quiet),
    ("stale_height", Quiet),
    ("misses_pongs_of", Quiet),
    ("shuffled_blocks", Quiet),
    ("duplicated_blocks", Quiet),
    ("reversed_blocks", Quiet),
    ("short_answers", Quiet),
    ("ping_flood", Quiet),
    ("junk_lines", Quiet),
    ("inflated_height", Quick),
    ("max_height", Quick),
    ("flapping_height", Quick),
    ("empty_answers", Quick),
    ("wrong_range", Quick),
    ("invalid_block", Quick),
    ("extra_blocks", Quick),
    ("closes_at_once", Quick),
    ("closes_after", Quick),
    ("closes_after_blocks", Quick),
    ("bad_handshake", Quick),
    ("wrong_genesis", Quick),
    ("null_hashes", Quick),
    ("random_hashes", Quick),
    ("wrong_nonce", Quick),
    ("replayed_pong", Quick),
    ("answers_pings_from", Quick),
    ("production", Quick),
    ("mute", Slow),
    ("drip", Slow),
];
const DELAYED: &str = "delayed_answers";

const FLAWS: [&str; 6] = ["previous_hash", "merkle_root", "height", "zero_previous_hash", "timestamp", "reward"];
const HANDSHAKES: [&str; 4] = ["ping_first", "wrong_magic", "wrong_version", "silent"];
const MUTE: [&str; 6] = ["[blocks]", "[hashes]", "[tips]", "[pings]", "[blocks, hashes]", "[everything]"];
const JUNK: [&str; 5] = ["'{\"FutureThing\":{}}'", "'[[['", "''", "'1e999'", "'\"GetPeers\"'"];

/// A liar's deviations, and how bad they are together.
pub fn draw(dice: &mut Dice, scope: Scope) -> (Vec<String>, Manner) {
    let allowed: Vec<(&str, Manner)> = KINDS
        .into_iter()
        .chain([(DELAYED, Slow)])
        .filter(|(kind, manner)| *manner <= scope.worst && (scope.gives_blocks || *kind != "extra_blocks"))
        // A block at height 0 can't be wrong.
        .filter(|(kind, _)| scope.height > 0 || *kind != "invalid_block")
        .collect();
    let count = if dice.percent(70) { 1 } else { 2 };
    let mut drawn: Vec<(&str, Manner)> = Vec::new();
    while drawn.len() < count {
        let one = *dice.one_of(&allowed);
        if !drawn.contains(&one) {
            drawn.push(one);
        }
    }
    // Who is asked first can keep all waiting.
    if drawn.iter().any(|(_, manner)| *manner == Slow) && count == 1 && dice.percent(60) {
        drawn.push(("max_height", Quick));
    }
    let worst = drawn.iter().map(|(_, manner)| *manner).max().unwrap_or(Quiet);
    (drawn.into_iter().map(|(kind, _)| one(dice, kind, scope.height)).collect(), worst)
}

fn one(dice: &mut Dice, kind: &str, height: u64) -> String {
    let value = match kind {
        "stale_height" => dice.one_of(&[0, 1, height / 2]).to_string(),
        "misses_pongs_of" => dice.within(2..=5).to_string(),
        "short_answers" => dice.one_of(&[20, 50, 100]).to_string(),
        // A second: what more of them cost is the runtime's business, and nothing else for a core.
        "ping_flood" => dice.one_of(&[1, 2, 5]).to_string(),
        "junk_lines" => {
            let count = dice.within(1..=3) as usize;
            format!("[{}]", dice.some(&JUNK, count).join(", "))
        }
        "inflated_height" => dice.one_of(&[1, 6, 100, 10_000]).to_string(),
        "flapping_height" => {
            let heights = [0, height, height + 6, u64::MAX].map(|height| height.to_string()).join(", ");
            format!("{{heights: [{heights}], every: {}s}}", dice.one_of(&[1, 7, 30]))
        }
        "wrong_range" => {
            let start = dice.within(0..=height);
            format!("{{start: {start}, end: {}}}", start + dice.within(0..=600))
        }
        "invalid_block" => {
            // Near its tip, where nodes ask.
            let at = height.saturating_sub(dice.within(0..=20)).max(1);
            format!("{{at: {at}, flaw: {}}}", dice.one_of(&FLAWS))
        }
        "extra_blocks" => dice.one_of(&[1, 30]).to_string(),
        "closes_after" => format!("{}s", dice.one_of(&[1, 20, 70])),
        "closes_after_blocks" => dice.one_of(&[1, 50, 700]).to_string(),
        "bad_handshake" => (*dice.one_of(&HANDSHAKES)).to_owned(),
        "answers_pings_from" => format!("{}s", dice.one_of(&[100, 400])),
        "mute" => (*dice.one_of(&MUTE)).to_owned(),
        "drip" | DELAYED => format!("{}s", dice.one_of(&[20, 70, 130, 290])),
        _ => return kind.to_owned(),
    };
    format!("{kind}: {value}")
}
