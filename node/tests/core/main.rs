//! The core as a value: what it does with inputs, on a bare event queue. Transcripts are snapshots.
mod session;
mod status;
mod sync;
mod world;
