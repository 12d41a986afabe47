//! From a failing scenario to a small one.
mod fingerprint;

pub use fingerprint::{Claim, Fingerprint};
