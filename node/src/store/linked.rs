//! The one rule that every store checks of its writes.
use super::StoreError;
use crate::chain::{Hash, Height, SealedBlock};

/// Whether `new` follows the block with this height and hash, one by one.
///
/// # Errors
/// [`StoreError::Failed`] names the first that doesn't; without a parent that is the first of all.
pub(super) fn linked(parent: Option<(Height, Hash)>, new: &[SealedBlock]) -> Result<(), StoreError> {
    let mut parent = parent;
    for block in new {
        let follows = parent.is_some_and(|(height, hash)| {
            height.checked_add(1) == Some(block.height()) && hash == block.previous_hash()
        });
        if !follows {
            return Err(StoreError::Failed(format!("block {} does not link", block.height())));
        }
        parent = Some((block.height(), block.hash()));
    }
    Ok(())
}
