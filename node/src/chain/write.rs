//! A change of the chain.
use super::{Height, SealedBlock};

/// One atomic change, which a store applies wholly or not at all.
#[derive(Debug, Clone)]
pub enum Write {
    /// Append to the tip; the blocks link to it and to each other.
    Append(Vec<SealedBlock>),
    /// Append to the staged branch, which is kept beside the chain until it is switched to or dropped.
    Stage(Vec<SealedBlock>),
    /// Make the staged branch the chain above `ancestor`.
    Switch {
        /// The last block that both hold.
        ancestor: Height,
    },
    /// Drop the staged branch.
    Discard,
}
