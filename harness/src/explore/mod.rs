//! The search for the scenario that nobody wrote: drawn from seeds, played under the event queue, made small where it fails.
pub mod campaign;
pub mod generate;
pub mod ledger;
pub mod marks;
pub mod page;
pub mod results;
pub mod shrink;
pub mod trial;
