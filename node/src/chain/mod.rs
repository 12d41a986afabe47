//! What a chain is: values and pure rules, no I/O and no clock.
mod block;
mod builder;
mod fork_choice;
mod genesis;
mod hash;
mod height;
mod json;
mod json_len;
mod link;
mod sealed;
mod view;
mod write;

pub use block::{Block, Header, Input, OutPoint, Output, Tiers, Transaction, compact_json, merkle_root};
pub use builder::{BuiltChain, TipRule, next_block};
pub use fork_choice::{Branch, prefers};
pub use genesis::testnet;
pub use hash::{Hash, ParseHashError};
pub use height::{Height, HeightRange};
pub use json::{Json, json_list};
pub use link::{BlockError, MAX_BLOCK_JSON, MAX_CLOCK_LEAD, check};
pub use sealed::SealedBlock;
pub use view::{ChainView, Tip};
pub use write::Write;

/// The smallest amounts in one TIME (wire protocol: Block).
pub const TIME: u64 = 100_000_000;

/// What a block pays, in the smallest amount (wire protocol: Block; 100 TIME).
pub const BLOCK_REWARD: u64 = 100 * TIME;

/// Seconds between two blocks (wire protocol: Block).
pub const BLOCK_INTERVAL: i64 = 600;

/// The testnet genesis' timestamp in seconds since 1970 (wire protocol: Block).
pub const TESTNET_GENESIS_TIME: i64 = 1_764_547_200;
