//! Properties that hold whatever comes, by seed. `fuzz/` runs the same functions on inputs that a fuzzer makes.
#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]
mod choices;
mod core_inputs;
mod line_splits;

/// SplitMix64.
fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    (0..len.div_ceil(8)).flat_map(|_| next().to_le_bytes()).take(len).collect()
}

/// Whether the inputs reach what they are meant to reach: a property of something that never happens says nothing.
#[test]
fn the_core_keeps_its_invariants_whatever_comes() {
    let mut reached = core_inputs::Reached::default();
    for seed in 0..400 {
        reached += core_inputs::run(&bytes(seed, 6_000));
    }
    println!("{reached:?}");
    let core_inputs::Reached { inputs, requests, appends, reorgs, bans, failed_writes } = reached;
    assert!(inputs > 100_000 && requests > 1_000 && appends > 200 && reorgs > 20 && bans > 20 && failed_writes > 20);
}

#[test]
fn lines_do_not_depend_on_how_they_are_split() {
    let mut lines = 0;
    for seed in 0..2_000 {
        lines += line_splits::run(&bytes(seed, 200 + seed as usize % 3_000));
    }
    println!("{lines} lines");
    assert!(lines > 10_000);
}
