//! `chain.redb`: its tables, and how it begins.
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ::redb::{Builder, Database, ReadableDatabase, TableDefinition, WriteTransaction};

use super::entry;
use super::error::OpenError;
use super::fault::{Fault, guarded};
use crate::chain::{Hash, Height, SealedBlock};

/// Bytes that redb may keep of a file, in all.
pub(super) const CACHE: usize = 16 << 20;

/// The format of the tables below.
pub(super) const FORMAT: u32 = 2;

/// The chain, by height; see `entry`.
pub(super) const BLOCKS: TableDefinition<Height, &[u8]> = TableDefinition::new("blocks");
/// The branch beside it, alike.
pub(super) const STAGED: TableDefinition<Height, &[u8]> = TableDefinition::new("staged");
/// `format`: u32 LE; `genesis`: its hash.
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// The chain's file in `folder`.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("chain.redb")
}

/// Makes `file` with nothing but the genesis, or not at all: a crash on the way leaves no chain that is none.
pub(super) fn create(file: &Path, genesis: &SealedBlock) -> Result<(), OpenError> {
    let folder = file.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(|source| OpenError::Folder { folder: folder.to_owned(), source })?;
    let made = write_new(file, genesis, |_| Ok(())).and_then(|new| {
        // Unlike a rename, a link never replaces what another process has just made.
        let linked = fs::hard_link(&new, file);
        if linked.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
            fs::rename(&new, file)?;
        } else {
            fs::remove_file(&new)?;
        }
        Ok(sync(folder)?)
    });
    made.map_err(|fault| OpenError::new(file, fault))
}

/// Writes a chain beside `file`, whole and durable: the genesis and what `fill` adds. Returns where.
pub(super) fn write_new(
    file: &Path,
    genesis: &SealedBlock,
    fill: impl FnOnce(&WriteTransaction) -> Result<(), ::redb::Error>,
) -> Result<PathBuf, Fault> {
    let new = file.with_extension("redb.new");
    match fs::remove_file(&new) {
        // What a crash has left.
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let written = guarded(|| {
        let database = Builder::new().set_cache_size(CACHE).create(&new)?;
        let write = begin(&database)?;
        {
            let mut meta = write.open_table(META)?;
            meta.insert("format", FORMAT.to_le_bytes().as_slice())?;
            meta.insert("genesis", genesis.hash().0.as_slice())?;
            insert(&mut write.open_table(BLOCKS)?, genesis)?;
        }
        fill(&write)?;
        write.commit()?;
        Ok(database.close()?)
    });
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written.map(|()| new)
}

/// Puts `block` where it belongs in a table of blocks.
pub(super) fn insert(
    table: &mut ::redb::Table<'_, Height, &'static [u8]>,
    block: &SealedBlock,
) -> Result<(), ::redb::Error> {
    table.insert(block.height(), entry::write(block).as_slice())?;
    Ok(())
}

/// Opens `file` to be written. `check` has redb verify the checksum of every page, and may repair what a crash has left.
pub(super) fn open(file: &Path, check: bool) -> Result<Database, Fault> {
    guarded(|| Ok(Builder::new().set_cache_size(CACHE).set_check_integrity_on_open(check).open(file)?))
}

/// Begins a transaction whose end flushes what it wrote before it counts. With redb's single flush a kill can leave a file
/// whose newest commit is not all there: redb then takes the one before, and can't tell that from damage.
pub(super) fn begin(database: &Database) -> Result<WriteTransaction, ::redb::Error> {
    let mut write = database.begin_write()?;
    write.set_two_phase_commit(true);
    Ok(write)
}

/// Format and genesis that `database` says it has.
pub(super) fn identity(database: &impl ReadableDatabase) -> Result<(u32, Hash), Fault> {
    let (format, genesis) = guarded(|| {
        let meta = database.begin_read()?.open_table(META)?;
        let read = |key| Ok::<_, ::redb::Error>(meta.get(key)?.map(|value| value.value().to_owned()));
        Ok((read("format")?, read("genesis")?))
    })?;
    let format = format.and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    let genesis = genesis.and_then(|bytes| bytes.try_into().ok()).map(Hash);
    format.zip(genesis).ok_or_else(|| Fault::Damaged("the table `meta` is not whole".to_owned()))
}

/// Makes names in `folder` durable.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    // A relative file's folder may be the empty path.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}
