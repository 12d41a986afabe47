//! What our things on an engine are known by.
use std::sync::atomic::{AtomicU32, Ordering};

use crate::subject::owner::Owner;

/// The process that made it; whoever else's has none.
pub const OWNER: &str = "org.lockstep.owner";
/// Which of its runs it belongs to.
pub const RUN: &str = "org.lockstep.run";

/// A run of this process, and the beginning of the names of its things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run(String);

impl Run {
    /// Another one.
    pub fn new() -> Self {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        Self(format!("{}-{}", Owner::this(), RUNS.fetch_add(1, Ordering::Relaxed)))
    }

    /// Its label's value.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a thing of it is called: by an engine, unique on its machine.
    pub fn name(&self, of: &str) -> String {
        format!("lockstep-{}-{of}", self.0)
    }

    /// The labels of its things.
    pub fn labels(&self) -> [(String, String); 2] {
        [(OWNER.to_owned(), Owner::this().to_string()), (RUN.to_owned(), self.0.clone())]
    }
}
