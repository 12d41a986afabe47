//! Judges what was seen: pure functions over a history. Nothing here knows the node: a stranger's is judged alike.
//!
//! `judge` is the way in. Expectations: `sequence`, `bound` (never, count, rate, gaps), `convergence`, `tips`, `metric`.
//! What always holds: `invariant`. Whether the faults were real: `probe`.
mod bound;
mod chains;
mod channel;
mod convergence;
mod invariant;
mod judge;
mod lineage;
mod metric;
mod pattern;
mod probe;
mod requests;
mod sequence;
mod tips;
mod verdict;
mod words;

pub use channel::Channel;
pub use judge::{View, judge, judge_case, judge_expected};
pub use verdict::{Budget, Finding, JudgeResult, Unit, Verdict};
