use super::super::testing::{Logs, section, unknowns};

/// Where each party begins.
fn starts(yaml: &str) -> Vec<String> {
    let both = ["nodes", "peers"].iter().flat_map(|part| section(yaml, part));
    both.filter_map(|line| Some(line.strip_prefix("chain: ")?.to_owned())).collect()
}

#[test]
fn two_hashes_of_one_height_are_two_chains() {
    let fork = |ours, theirs| format!("Fork detected at height 98: our {ours} vs 10.0.0.3 {theirs}");
    let yaml = Logs::mesh(3, 0, &[]).line("a", 300, &fork("aaaaaaaaaaaa", "cccccccccccc")).draft();
    assert_eq!(section(&yaml, "chains"), ["fork-1: {fork_of: main@97}"], "{yaml}");
    assert_eq!(starts(&yaml), ["main@100", "main@100", "fork-1@100"]);
    assert!(yaml.contains("# a.log:127, at most: unknown"), "{yaml}");
    assert!(unknowns(&yaml).contains(&"where fork-1 begins: not after 97, says a.log:127; default: there"), "{yaml}");
}

#[test]
fn those_with_one_hash_are_on_one_chain() {
    let fork = |ours, theirs| format!("Fork at same height 98: our hash {ours} vs consensus hash {theirs} (2 peers)");
    let yaml = Logs::mesh(3, 0, &[])
        .line("a", 300, &fork("aaaaaaaa", "cccccccc"))
        .line("b", 300, &fork("cccccccc", "aaaaaaaa"))
        .line("c", 300, &fork("cccccccc", "aaaaaaaa"))
        .draft();
    // Most are on `main`.
    assert_eq!(starts(&yaml), ["fork-1@100", "main@100", "main@100"], "{yaml}");
}

#[test]
fn an_ancestor_that_is_told_is_where_the_fork_begins() {
    let yaml = Logs::mesh(2, 0, &[])
        .line("a", 300, "Requesting blocks 99-100 from 10.0.0.2")
        .line("a", 301, "Fork detected: block 100 doesn't build on our chain")
        .line("a", 302, "Common ancestor found at height 60")
        .draft();
    assert_eq!(section(&yaml, "chains"), ["fork-1: {fork_of: main@60}"], "{yaml}");
    assert!(!yaml.contains("where fork-1 begins"), "{yaml}");
}

#[test]
fn a_block_whose_parent_is_another_is_its_senders() {
    let skipped = "Skipped block 90: Block 90 previous_hash mismatch: expected aaaaaaaaaa, got bbbbbbbbbb";
    let yaml =
        Logs::mesh(1, 2, &[]).line("a", 300, "Requesting blocks 90-100 from 10.0.0.3").line("a", 301, skipped).draft();
    assert_eq!(section(&yaml, "chains"), ["fork-1: {fork_of: main@88}"], "{yaml}");
    assert_eq!(starts(&yaml), ["main@100", "main@100", "fork-1@100"]);
}

#[test]
fn whose_blocks_were_taken_is_on_the_same_chain() {
    let yaml = Logs::mesh(2, 2, &[])
        .line("a", 300, "Fork detected at height 98: our aaaaaaaa vs 10.0.0.2 bbbbbbbb")
        .line("b", 310, "Requesting blocks 101-110 from 10.0.0.4")
        .line("b", 311, "Received 10 blocks (height 101-110) from 10.0.0.4 (our height: 100)")
        .line("b", 312, "Status: Height=110, Active Masternodes=4")
        .draft();
    // b and the one that serves it are more than a.
    assert_eq!(starts(&yaml), ["fork-1@100", "main@100", "main@110", "main@110"], "{yaml}");
}

#[test]
fn below_its_beginning_a_fork_is_main() {
    let yaml = Logs::mesh(1, 1, &[])
        .line("a", 100, "Peer 10.0.0.2 has height 40")
        .line("a", 300, "Fork detected at height 98: our aaaaaaaa vs 10.0.0.2 bbbbbbbb")
        .line("a", 310, "Peer 10.0.0.2 has height 120")
        .draft();
    assert_eq!(starts(&yaml), ["main@100", "main@40"], "{yaml}");
    assert_eq!(section(&yaml, "chains"), ["fork-1: {fork_of: main@97}"], "{yaml}");
    assert_eq!(section(&yaml, "timeline"), ["{at: 310s, do: {move: {peers: [p-10-0-0-2], chain: fork-1@120}}}"]);
}

#[test]
fn a_fork_begins_where_somebody_is_on_main() {
    let yaml = Logs::default()
        .line("a", 0, "Status: Height=60, Active Masternodes=4")
        .line("a", 1, "Peer 10.0.0.2 has height 120")
        .line("a", 200, "Status: Height=100, Active Masternodes=4")
        .line("a", 300, "Fork detected at height 98: our aaaaaaaa vs 10.0.0.2 bbbbbbbb")
        .draft();
    assert_eq!(section(&yaml, "chains"), ["fork-1: {fork_of: main@60}"], "{yaml}");
}

#[test]
fn heights_are_known_from_ones_own_log_and_from_others() {
    let yaml = Logs::default()
        .line("a", 0, "Status: Height=100, Active Masternodes=4")
        .line("b", 0, "Requesting blocks 51-60 from 10.0.0.6")
        .line("a", 1, "Peer 10.0.0.7 has height 130")
        .line("a", 2, "Connecting to 10.0.0.8")
        .draft();
    assert_eq!(starts(&yaml), ["main@100", "main@50", "main@60", "main@130", "main@100"], "{yaml}");
    for source in ["a: the log of a", "b: its first request", "it was asked for blocks up to there", "told to a"] {
        assert!(yaml.contains(&format!("  # {source}\n")), "{source}: {yaml}");
    }
    let unknown = "the height of p-10-0-0-8: no line tells it; default: the highest of a log, 100";
    assert!(unknowns(&yaml).contains(&unknown), "{yaml}");
}
