//! Saving what can be read of a damaged file.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::blocks::{Blocks, ReadError};
use super::error::OpenError;
use super::fault::Fault;
use super::frozen::Newest;
use super::verify::{Damage, walk};
use super::{file, frozen};
use crate::chain::{Height, SealedBlock};

/// Puts a new file with the good blocks from the genesis upwards in the place of the damaged `path`, which is kept beside
/// it. Returns the damage, with its height where blocks are lost, and where the file is kept.
///
/// The damaged file is never written, and its place is taken in one step, so a crash or a full disk loses nothing.
pub(super) fn salvage(path: &Path, genesis: &SealedBlock, mut damage: Damage) -> Result<(Damage, PathBuf), OpenError> {
    // What stops the reading is damage, and then the first reason is the better one.
    let first = damage.clone();
    let lost = |fault| match OpenError::new(path, fault) {
        OpenError::Damaged(_) => OpenError::Lost(first.clone()),
        refused => refused,
    };
    let blocks = |newest| Blocks::of(&frozen::open(path, newest)?);
    let blocks = match blocks(Newest::Last) {
        Err(Fault::Damaged(_)) => {
            let previous = blocks(Newest::Previous).map_err(lost)?;
            damage.reason.push_str("; read as it was before the last write");
            previous
        }
        read => read.map_err(lost)?,
    };
    let last = blocks.last().ok();
    let (mut saved, mut wrong) = (0, None);
    let new = file::write_new(path, genesis, |write| {
        let mut table = write.open_table(file::BLOCKS)?;
        let walked = walk(&blocks, genesis, (0, Height::MAX), |block| file::insert(&mut table, &block))?;
        (saved, wrong) = (walked.checked, walked.wrong);
        Ok(())
    })
    .map_err(lost)?;
    // Where the system refuses to read on, the rest is not lost.
    let refused = wrong.and_then(|(_, error)| match error {
        ReadError::Fault(fault @ (Fault::InUse | Fault::Io(_))) => Some(OpenError::new(path, fault)),
        _ => None,
    });
    if let Some(error) = refused.or_else(|| (saved <= 1).then(|| OpenError::Lost(damage.clone()))) {
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    let kept = swap(path, &new).map_err(|source| OpenError::Io { file: path.to_owned(), source })?;
    let first_lost = Some(saved).filter(|_| last.is_none_or(|last| saved <= last));
    Ok((Damage { height: damage.height.or(first_lost), ..damage }, kept))
}

/// Puts `new` in the place of `path`, which gets a name that nothing has yet.
fn swap(path: &Path, new: &Path) -> io::Result<PathBuf> {
    let mut n = 1;
    let kept = loop {
        let kept = path.with_extension(format!("redb.damaged-{n}"));
        match fs::hard_link(path, &kept) {
            Ok(()) => break kept,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => n += 1,
            // A file system without links.
            Err(_) if !kept.try_exists()? => {
                fs::copy(path, &kept)?;
                break kept;
            }
            Err(error) => return Err(error),
        }
    };
    fs::rename(new, path)?;
    file::sync(path.parent().unwrap_or(Path::new("")))?;
    Ok(kept)
}
