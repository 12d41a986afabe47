//! From a failing scenario to a small one that fails in the same way.
//!
//! Delta debugging on the file's values: first what is expected beside the failure, then steps, peers, nodes and links, many at once, then what
//! parties have of their own, at last numbers: heights, times, repetitions. Round after round, until nothing gets smaller any more. The result
//! depends on the text and on the judge alone, but for the limit of time.
//!
//! A scenario fails for many reasons, also for bad ones: nodes that can't reach each other never agree. What may be tried is therefore
//! bounded by [`Guard`].
mod cuts;
mod fair;
mod fingerprint;
mod heights;
pub mod keep;
mod parties;
mod search;
mod size;
mod times;
mod witness;

use std::time::Duration;

use crate::scenario::{Scenario, ScenarioError, Tree};

use cuts::CUTS;
pub use fingerprint::{Claim, Fingerprint};
pub use search::Judge;
use search::Search;
pub use size::Size;
pub use witness::{Seen, Witness, confirmed};

/// How much is tried at most.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Scenarios that are judged.
    pub tries: u32,
    /// Real time.
    pub time: Duration,
}

/// Who sees to it that a smaller scenario still is one that nodes can be blamed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Rules: the network that a smaller scenario has left is as good as the first one's; and what a claim about these very parties and places
    /// may depend on stays as it is: see [`Claim`].
    Rules,
    /// The judge, which says `None` of what good nodes fail, too. Everything may be tried.
    Judge,
}

/// What to shrink, and how.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The scenario's name.
    pub name: &'a str,
    /// Its file's text.
    pub text: &'a str,
    /// The seed with which the judge runs it.
    pub seed: u64,
    /// What keeps it just.
    pub guard: Guard,
    /// When to stop.
    pub budget: Budget,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// How it fails, as before.
    pub fingerprint: Fingerprint,
    /// The small scenario's text.
    pub text: String,
    /// Scenarios that were judged.
    pub tries: u32,
    /// Those of them that were smaller and failed in the same way.
    pub accepted: u32,
    /// Before.
    pub from: Size,
    /// After.
    pub to: Size,
    /// Whether nothing makes it smaller any more; else the budget was used up.
    pub smallest: bool,
}

/// Why nothing can be shrunk.
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    /// It is no scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The judge sees no failure in it.
    #[error("nothing fails")]
    Passes,
}

/// Shrinks a scenario as long as `judge` says that it fails like the first one. The judge is asked about each scenario once and must say the same
/// of the same one.
///
/// # Errors
/// A text that is no scenario, or one that doesn't fail.
pub fn shrink(task: &Task<'_>, judge: Judge<'_>) -> Result<Shrunk, ShrinkError> {
    let first = Scenario::parse(task.name, task.text)?;
    let want = judge(&first).ok_or(ShrinkError::Passes)?;
    let mut search = Search::new(&first, Tree::parse(task.text)?, want.clone(), (task.guard, task.budget), judge);
    search.name_the_drawn(&first, task.seed);
    let mut smallest = false;
    while !smallest && !search.spent() {
        let before = search.accepted;
        round(&mut search);
        smallest = search.accepted == before && !search.spent();
    }
    let to = Scenario::parse(task.name, &search.text)?;
    let (text, tries, accepted) = (search.text, search.tries, search.accepted);
    Ok(Shrunk { fingerprint: want, text, tries, accepted, from: Size::of(&first), to: Size::of(&to), smallest })
}

/// All ways once, those that take away most first.
fn round(search: &mut Search<'_>) {
    for (claim, patterns) in CUTS {
        if search.may(*claim) {
            search.cut(patterns);
        }
        if patterns.contains(&"timeline/*") && search.may(Claim::General) {
            search.leave_out("peers");
            search.leave_out("nodes");
        }
    }
    if search.may(Claim::Excess) {
        search.shorten();
    }
    if search.may(Claim::General) {
        search.lower_chains();
        search.bring_forward();
    }
}

#[cfg(test)]
mod tests;
