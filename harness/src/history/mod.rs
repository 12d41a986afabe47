//! What was seen during a run, in order: in memory, as a file, and as a short text for snapshots.
mod black_box;
#[cfg(test)]
pub(crate) mod build;
mod decisions;
mod file;
mod normal;
mod observation;
mod record;
mod totals;

pub use black_box::black_box;
pub use decisions::decisions;
pub use file::{HistoryError, read, write};
pub use normal::normal;
pub use observation::{Field, Fields, Observation, What, memory_of, seconds, short};
pub use record::{FaultSpan, History, Meta};
pub use totals::{LATE, WATCHED, busiest, busiest_link, late, watched};
