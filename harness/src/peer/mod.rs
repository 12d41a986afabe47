//! Scripted peers in three layers: a connection, an honest peer on it, and deviations from what the honest one does.
mod actor;
mod chains;
mod connection;
mod connections;
mod deviation;
mod dialect;
mod direction;
mod format;
mod honest;
mod ledger;
mod memo;
mod note;
mod outbox;
mod outgoing;
mod recorder;
mod role;
mod scene;
mod script;
mod served;
#[cfg(test)]
pub(crate) mod testing;

pub use actor::{PORT, Scripted, run};
pub use chains::Chains;
pub use connections::Fates;
pub use format::BlockFormat;
pub use ledger::{Genesis, Ledger};
pub(crate) use note::Note;
pub(crate) use outgoing::{Outgoing, Payload};
pub(crate) use recorder::Recorder;
pub use recorder::Recording;
pub(crate) use role::Role;
pub(crate) use script::Script;
