//! A core under inputs that the bytes choose.
#![no_main]
#[allow(dead_code, reason = "shared by both targets")]
#[path = "../../tests/property/choices.rs"]
mod choices;
#[path = "../../tests/property/core_inputs.rs"]
mod core_inputs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    core_inputs::run(bytes);
});
