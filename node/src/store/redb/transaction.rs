//! What a write does to the file.
use ::redb::{Database, Durability, ReadableTable};

use super::blocks::Blocks;
use super::file;
use crate::chain::{Hash, Height, SealedBlock, Tip};
use crate::store::linked::linked;
use crate::store::{StoreError, Write};

/// The branch beside the chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Staged {
    /// Height and hash of the block below its first.
    pub ancestor: (Height, Hash),
    pub tip: Tip,
}

/// What tip and branch are after `write`.
///
/// # Errors
/// Where it does not link: nothing needs to be written for that.
pub(super) fn expected(
    blocks: &Blocks,
    tip: Tip,
    staged: Option<Staged>,
    write: &Write,
) -> Result<(Tip, Option<Staged>), StoreError> {
    let parent_of = |first: &SealedBlock| {
        let below = first.height().checked_sub(1).filter(|below| *below <= tip.height)?;
        Some((below, blocks.hash_at(below).ok()??))
    };
    match write {
        Write::Append(new) => {
            linked(Some((tip.height, tip.hash)), new)?;
            Ok((new.last().map_or(tip, SealedBlock::tip), staged))
        }
        Write::Stage(new) => {
            let Some((first, last)) = new.first().zip(new.last()) else { return Ok((tip, staged)) };
            let parent = staged.map(|staged| (staged.tip.height, staged.tip.hash)).or_else(|| parent_of(first));
            linked(parent, new)?;
            let ancestor = staged.map(|staged| staged.ancestor).or(parent);
            Ok((tip, ancestor.map(|ancestor| Staged { ancestor, tip: last.tip() })))
        }
        Write::Switch { ancestor } => {
            let holds = |staged: &Staged| {
                staged.ancestor.0 == *ancestor
                    && blocks.hash_at(*ancestor).is_ok_and(|hash| hash == Some(staged.ancestor.1))
            };
            let staged = staged.filter(holds);
            let staged = staged.ok_or_else(|| StoreError::Failed(format!("no staged branch above {ancestor}")))?;
            Ok((staged.tip, None))
        }
        Write::Discard => Ok((tip, None)),
    }
}

/// Writes `write`, whose links were looked at, in one transaction.
pub(super) fn transact(database: &Database, write: &Write) -> Result<(), ::redb::Error> {
    let mut transaction = file::begin(database)?;
    match write {
        Write::Append(new) => {
            let mut table = transaction.open_table(file::BLOCKS)?;
            new.iter().try_for_each(|block| file::insert(&mut table, block))?;
        }
        Write::Stage(new) => {
            // Durable with the switch, which saves a flush a batch; a branch is not kept over a restart anyway.
            transaction.set_durability(Durability::None)?;
            let mut table = transaction.open_table(file::STAGED)?;
            new.iter().try_for_each(|block| file::insert(&mut table, block))?;
        }
        Write::Switch { .. } => {
            let mut table = transaction.open_table(file::BLOCKS)?;
            let staged = transaction.open_table(file::STAGED)?;
            for entry in staged.iter()? {
                let (height, block) = entry?;
                table.insert(height.value(), block.value())?;
            }
            if let Some((last, _)) = staged.last()? {
                table.retain_in(last.value().saturating_add(1).., |_, _| false)?;
            }
            drop(staged);
            transaction.delete_table(file::STAGED)?;
        }
        Write::Discard => {
            transaction.set_durability(Durability::None)?;
            transaction.delete_table(file::STAGED)?;
        }
    }
    Ok(transaction.commit()?)
}
