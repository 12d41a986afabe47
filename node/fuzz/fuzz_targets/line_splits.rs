//! A stream in pieces that the bytes choose.
#![no_main]
#[allow(dead_code, reason = "shared by both targets")]
#[path = "../../tests/property/choices.rs"]
mod choices;
#[path = "../../tests/property/line_splits.rs"]
mod line_splits;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    line_splits::run(bytes);
});
