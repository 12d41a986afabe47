//! What a line of the greatest length takes once it is decoded: the bound on what one hostile message costs.
#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]
use node::chain::testnet;
use node::wire::{Decoded, MAX_LINE, Message, decode, encode};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// A message whose list, at `place`, is as long as a line allows: `item` again and again.
fn filled(message: &str, place: &str, item: &str) -> Vec<u8> {
    let (before, after) = message.split_once(place).unwrap_or_else(|| panic!("{message}"));
    let room = MAX_LINE - before.len() - after.len();
    let items = vec![item; room / (item.len() + 1)].join(",");
    [before, &items, after].concat().into_bytes()
}

/// One test in its binary, so that nothing else is allocated meanwhile. Bytes allocated, as the program asked for them.
#[test]
fn a_decoded_line_takes_at_most_so_many_times_its_bytes() {
    let block = String::from_utf8(encode(&Message::BlockResponse(testnet()))).unwrap();
    let part = |from: &str, to: &str| {
        let start = block.find(from).unwrap_or_else(|| panic!("{from}")) + from.len();
        let end = start + block[start..].find(to).unwrap();
        format!("{}@{}", &block[..start], &block[end..])
    };
    let attested = part("\"time_attestations\":[", "]");
    let rewarded = part("\"masternode_rewards\":[", "],\"time_attestations\"");
    let transactions = part("\"transactions\":[", "],\"masternode_rewards\"");
    let tx = |inputs: &str, outputs: &str| {
        let tx =
            format!("{{\"version\":0,\"inputs\":[{inputs}],\"outputs\":[{outputs}],\"lock_time\":0,\"timestamp\":0}}");
        transactions.replace('@', &tx)
    };
    let output = "{\"value\":0,\"script_pubkey\":[@]}";
    let lean = block
        .replace(&block[block.find(",\"attestation_root\"").unwrap()..block.find("},\"transactions\"").unwrap()], "");
    let lean = lean.trim().strip_prefix("{\"BlockResponse\":").unwrap().strip_suffix('}').unwrap();
    let mut worst = [0.0_f64; 2];
    for (name, message, item) in [
        ("attestations of lists", attested.clone(), "[]"),
        ("attestations of numbers", attested.clone(), "0"),
        ("attestations of objects", attested, "{\"\":[]}"),
        ("masternodes", "{\"MasternodesResponse\":[@]}".to_owned(), "[]"),
        ("a version", "{\"Version\":{\"version\":[@]}}".to_owned(), "[]"),
        ("peers", "{\"PeersResponse\":[@]}".to_owned(), "\"\""),
        ("rewards", rewarded.clone(), "[\"\",0]"),
        ("rewards to somebody", rewarded, "[\"a\",0]"),
        (
            "transactions",
            transactions.clone(),
            "{\"version\":0,\"inputs\":[],\"outputs\":[],\"lock_time\":0,\"timestamp\":0}",
        ),
        ("outputs", tx("", "@"), &output.replace('@', "")),
        ("outputs with a byte", tx("", "@"), &output.replace('@', "0")),
        ("one script", tx("", output), "0"),
        ("blocks", "{\"BlocksResponse\":[@]}".to_owned(), lean),
    ] {
        let line = filled(&message, "@", item);
        assert!(line.len() > MAX_LINE - item.len() - 2 && line.len() <= MAX_LINE);
        let before = ALLOCATED.current_usage();
        ALLOCATED.reset_peak_usage();
        let decoded = decode(&line);
        assert!(matches!(decoded, Ok(Decoded::Message(_))), "{name}: {decoded:?}");
        let times = |bytes: usize| (bytes - before) as f64 / line.len() as f64;
        let (kept, peak) = (times(ALLOCATED.current_usage()), times(ALLOCATED.peak_usage()));
        println!("{name}: {kept:.2} times the line kept, {peak:.2} at the peak");
        worst = [worst[0].max(kept), worst[1].max(peak)];
        drop(decoded);
        assert!(ALLOCATED.current_usage() <= before + 4096, "{name}: all is freed");
    }
    // Both are those of rewards to nobody: 7 bytes for an entry of 32, and while a list grows, its old and new place.
    assert!(worst[0] < 5.0 && worst[1] < 13.0, "{worst:.2?}");
}
