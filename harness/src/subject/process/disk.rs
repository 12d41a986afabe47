//! What nodes have on disk: written before they start, and read when they have ended, by the node's own program.
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Stdio;

use node::chain::{SealedBlock, check};

use super::member::Member;
use super::program::reference;
use super::{ProcessError, Wanted};
use crate::peer::Chains;
use crate::scenario::resolved::At;

/// Writes the chain up to `at` into a node's store, by the node's own program.
pub fn import(program: &Path, dir: &Path, chains: &Chains, at: &At) -> Result<(), ProcessError> {
    let path = dir.join("chain.ndjson");
    let write = || {
        let mut file = BufWriter::new(File::create(&path)?);
        for block in chains.blocks(at).upto(at.height) {
            serde_json::to_writer(&mut file, &block)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    };
    write().to(format!("write {}", path.display()))?;
    let mut command = reference(program, dir, &["chain", "import"]);
    let output = command.arg(&path).output().to(format!("run {}", command.get_program().display()))?;
    fs::remove_file(&path).to(format!("remove {}", path.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let report = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(ProcessError::Program { command: "chain import".into(), report })
}

/// A copy of a stopped node's store.
pub fn copy(from: &Path, to: &Path) -> Result<(), ProcessError> {
    let copy = || {
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
        Ok(())
    };
    copy().to(format!("copy {}", from.display()))
}

/// What is wrong with the chain that a node left on its disk, by nothing that the node said: it must be valid from its first block, and
/// hold the block that the node announced last, by its height and the beginning of its hash.
pub fn stored_chain(
    program: &Path,
    member: &Member,
    announced: Option<(u64, &str)>,
) -> Result<Option<String>, ProcessError> {
    let mut command = reference(program, member.dir(), &["chain", "export"]);
    let mut child = command.arg("-").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().to("export a chain")?;
    let lines = child.stdout.take().map(BufReader::new).into_iter().flat_map(BufRead::lines);
    let mut tip: Option<SealedBlock> = None;
    let (mut broken, mut held) = (None, announced.is_none());
    for line in lines {
        let line = line.to("read a chain")?;
        let block: SealedBlock = match serde_json::from_str(&line) {
            Ok(block) => block,
            Err(error) => {
                broken = broken.or(Some(format!("on disk: a block that can't be read: {error}")));
                break;
            }
        };
        // The node's clock may have been ahead when it took the block: only the order of times is checked.
        let fits = match &tip {
            Some(parent) => check(&parent.tip(), &block, block.timestamp()).map_err(|error| error.to_string()),
            None if block.height() == 0 => Ok(()),
            None => Err("the first block is not the genesis".to_owned()),
        };
        if let Err(why) = fits {
            broken = broken.or(Some(format!("on disk: block {}: {why}", block.height())));
        }
        let is = |(height, hash): (u64, &str)| height == block.height() && block.hash().to_string().starts_with(hash);
        held |= announced.is_some_and(is);
        tip = Some(block);
    }
    if !child.wait().to("export a chain")?.success() {
        return Ok(Some("the chain on disk can't be exported".into()));
    }
    let lost = || format!("on disk: no block {announced:?}, which was announced");
    Ok(broken.or_else(|| (!held).then(lost)))
}
