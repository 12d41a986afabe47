//! Files that are not what was written: what can be read goes on, the rest is refused with a reason, and nothing panics.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use node::chain::{BuiltChain, ChainView, Height, testnet};
use node::store::redb::{ChainReader, OpenError, Verify};
use node::store::{RedbStore, Store, Write};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tempfile::TempDir;

use crate::scratch::{assert_prefix, chain, filled, folder, open, open_whole, random};

/// More than are checked fully at a quick start.
const HEIGHT: u64 = 1_300;

/// The file of a chain, as it is after an orderly end and as a kill leaves it.
async fn files(chain: &BuiltChain) -> (TempDir, [PathBuf; 2]) {
    let folder = folder();
    let file = folder.path().join("chain.redb");
    let [closed, killed] = ["closed", "killed"].map(|name| folder.path().join(name));
    let store = filled(folder.path(), chain).await;
    fs::copy(&file, &killed).unwrap();
    drop(store);
    fs::copy(&file, &closed).unwrap();
    (folder, [closed, killed])
}

/// What became of a damaged file.
enum End {
    Whole,
    Repaired,
    Refused,
}

/// Opens these bytes as a file: a true prefix of `chain`, or a refusal that leaves them as they are.
async fn end(bytes: &[u8], chain: &BuiltChain, what: &str) -> End {
    let folder = folder();
    let file = folder.path().join("chain.redb");
    fs::write(&file, bytes).unwrap();
    let (store, report) = match open(folder.path()) {
        Ok(opened) => opened,
        Err(error) => {
            assert!(matches!(error, OpenError::Lost(_)) && error.to_string().contains("move the file away"), "{error}");
            assert!(fs::read(&file).unwrap() == bytes, "{what}: refused, and left as it was");
            return End::Refused;
        }
    };
    assert_prefix(&store, chain, what);
    let tip = store.tip().height;
    // It is a chain like any other.
    store.commit(Write::Append(chain.block(tip + 1).into_iter().collect())).await.unwrap();
    let Some(repaired) = report.repaired else {
        assert_eq!(tip, HEIGHT, "{what}: blocks are gone, and nothing is said");
        return End::Whole;
    };
    assert!(tip > 0, "{what}: from zero");
    assert!(fs::read(repaired.kept).unwrap() == bytes, "{what}: the damaged file is kept as it was");
    let damage = repaired.damage;
    if damage.reason.ends_with("; read as it was before the last write") {
        // What the last write was can't be known then.
        assert!(damage.height.is_none() && tip >= 1_000, "{what}: {damage}, {tip}");
    } else {
        assert_eq!(damage.height, Some(tip + 1).filter(|lost| *lost <= HEIGHT), "{what}: {damage}");
    }
    End::Repaired
}

#[tokio::test]
async fn a_flipped_byte_leaves_a_true_prefix_or_a_refusal() {
    let chain = chain(HEIGHT);
    let (_folder, files) = files(&chain).await;
    let (mut whole, mut repaired, mut refused) = (0, 0, 0);
    for n in 0..300 {
        let file = &files[n as usize % 2];
        let mut bytes = fs::read(file).unwrap();
        // Every tenth in the header, where a file is weakest.
        let range = if n % 10 < 2 { 320 } else { bytes.len() as u64 };
        let offset = (random(2 * n) % range) as usize;
        bytes[offset] ^= random(2 * n + 1) as u8 | 1;
        match end(&bytes, &chain, &format!("byte {offset} of {}", file.display())).await {
            End::Whole => whole += 1,
            End::Repaired => repaired += 1,
            End::Refused => refused += 1,
        }
    }
    // Much of a file is unused; of the rest, pages of blocks are the most.
    assert!(whole > 50 && repaired > 100 && refused < 20, "{whole} {repaired} {refused}");
}

#[tokio::test]
async fn a_file_cut_off_anywhere_leaves_a_true_prefix_or_a_refusal() {
    let chain = chain(HEIGHT);
    let (_folder, files) = files(&chain).await;
    let mut repaired = 0;
    for n in 0..40 {
        let file = &files[n as usize % 2];
        let bytes = fs::read(file).unwrap();
        let len = if n < 4 { n / 2 * 7 } else { random(n) % bytes.len() as u64 };
        let what = format!("{len} bytes of {}", file.display());
        if matches!(end(&bytes[..len as usize], &chain, &what).await, End::Repaired) {
            repaired += 1;
        }
    }
    // Most often the root of the table of blocks is gone, and with it the way to the blocks.
    assert!(repaired > 0, "{repaired}");
}

const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");

/// The stored bytes of a block.
fn stored(file: &Path, height: Height) -> Option<Vec<u8>> {
    let database = Database::open(file).unwrap();
    let table = database.begin_read().unwrap().open_table(BLOCKS).unwrap();
    table.get(height).unwrap().map(|bytes| bytes.value().to_vec())
}

/// Changes the stored bytes of a block, as redb would: the pages' checksums are right.
fn change(file: &Path, height: Height, change: impl FnOnce(&mut Vec<u8>)) {
    let database = Database::open(file).unwrap();
    let write = database.begin_write().unwrap();
    {
        let mut table = write.open_table(BLOCKS).unwrap();
        let mut bytes = table.get(height).unwrap().unwrap().value().to_vec();
        change(&mut bytes);
        if bytes.is_empty() {
            table.remove(height).unwrap();
        } else {
            table.insert(height, bytes.as_slice()).unwrap();
        }
    }
    write.commit().unwrap();
}

/// Log lines of this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Collects until the guard is dropped.
    fn of_this_thread() -> (Self, tracing::subscriber::DefaultGuard) {
        let lines = Self::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).without_time().finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn a_damaged_block_ends_the_chain_below_it_and_is_told_with_its_place() {
    let chain = chain(20);
    for (what, reason) in [
        ("a digit of a reward", "its bytes are not those that were written"),
        ("half a block", "its bytes are not those that were written"),
        ("a few bytes", "9 bytes are no block"),
        ("no block", "20 blocks from Some(0) to Some(20) are not a chain"),
    ] {
        let folder = folder();
        let file = folder.path().join("chain.redb");
        drop(filled(folder.path(), &chain).await);
        change(&file, 7, |bytes| match what {
            "a digit of a reward" => {
                let at = bytes.len() - 30;
                bytes[at] ^= 1;
            }
            "half a block" => bytes.truncate(bytes.len() / 2),
            "a few bytes" => bytes.truncate(9),
            _ => bytes.clear(),
        });
        let damaged = stored(&file, 7);

        let (lines, _guard) = Lines::of_this_thread();
        let (store, report) = open(folder.path()).unwrap();
        assert_prefix(&store, &chain, what);
        assert_eq!(store.tip().height, 6);
        let kept = folder.path().join("chain.redb.damaged-1");
        assert!(stored(&kept, 7) == damaged && stored(&kept, 20).is_some());
        let line = format!(
            "ERROR node: {}: damaged at block 7: {reason}; it is kept as {}, and the chain goes on from height 6\n",
            file.display(),
            kept.display()
        );
        assert_eq!(lines.text(), line);
        assert_eq!(report.repaired.unwrap().kept, kept);
        drop(store);
        assert_eq!(open_whole(folder.path()).tip().height, 6);
    }
}

#[tokio::test]
async fn every_damaged_file_is_kept() {
    let folder = folder();
    let file = folder.path().join("chain.redb");
    let chain = chain(20);
    drop(filled(folder.path(), &chain).await);
    for (n, height) in [(1, 9), (2, 5), (3, 2)] {
        change(&file, height, |bytes| bytes[70] ^= 1);
        let (store, report) = open(folder.path()).unwrap();
        assert_eq!(store.tip().height, height - 1);
        assert_eq!(report.repaired.unwrap().kept, folder.path().join(format!("chain.redb.damaged-{n}")));
    }
    // Nothing but the genesis would be left.
    change(&file, 1, |bytes| bytes[70] ^= 1);
    let before = stored(&file, 1);
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("damaged at block 1: ") && error.contains("nothing above the genesis can be read"),
        "{error}"
    );
    assert!(stored(&file, 1) == before && !folder.path().join("chain.redb.new").exists());
}

#[tokio::test]
async fn an_old_damaged_block_is_found_by_a_full_check_or_told_when_it_is_read() {
    let folder = folder();
    let file = folder.path().join("chain.redb");
    let chain = chain(HEIGHT);
    drop(filled(folder.path(), &chain).await);
    change(&file, 100, |bytes| bytes[70] ^= 1);
    change(&file, 110, |bytes| bytes[70] ^= 1);

    let (store, report) = open(folder.path()).unwrap();
    assert_eq!((report.checked, report.tip.height), (1_000, HEIGHT));
    let (lines, guard) = Lines::of_this_thread();
    for _ in 0..3 {
        assert_eq!([99, 100, 101, 110].map(|h| store.block_at(h) == chain.block(h)), [true, false, true, false]);
    }
    assert_eq!((store.block_at(100), store.hash_at(100)), (None, chain.hash_at(100)));
    drop(guard);
    let told = "block 100 cannot be read: its bytes are not those that were written; a new start checks the file\n";
    assert_eq!(lines.text(), format!("ERROR node: {}: {told}", file.display()));
    drop(store);

    let reader = ChainReader::open(folder.path(), &testnet(), &[]).unwrap();
    let error = reader.verify().unwrap_err();
    assert!(matches!(&error, OpenError::Damaged(damage) if damage.height == Some(100)), "{error}");
    drop(reader);
    let (store, report) = RedbStore::open(folder.path(), &testnet(), &[], Verify::Full).unwrap();
    assert_eq!((store.tip().height, report.checked), (99, 100));
    assert_prefix(&store, &chain, "after a full check");
}
