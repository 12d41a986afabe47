//! `masternode chain`
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, IsTerminal, Read, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::Failure;
use crate::chain::{ChainView, Hash, Height, SealedBlock, check, compact_json};
use crate::config::{Config, Overrides};
use crate::runtime::{Clock, SystemClock};
use crate::store::redb::{ChainReader, Verify};
use crate::store::{self, RedbStore, Store};

/// Blocks that are written at once; as many as the node does.
const BATCH: usize = 500;

/// Bytes of blocks that are written at once, where they are large.
const BATCH_BYTES: usize = 8 << 20;

/// Bytes that a line may have, as on the wire (wire protocol: Framing).
const MAX_LINE: usize = 2_000_000;

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Print height, hash and time (seconds since 1970) of the last block
    Head(Place),
    /// Check every block; nothing is changed
    Verify(Place),
    /// Write blocks as compact JSON, one a line
    Export(Export),
    /// Append blocks as `export` writes them; those that are there already are skipped
    Import(Import),
}

/// Which chain.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The configuration file; without it, the testnet's defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Instead of `[store] path`: the folder of the chain
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Instead of `[network] genesis`
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    place: Place,
    /// The first height
    #[arg(long, value_name = "HEIGHT", default_value_t = 0)]
    from: Height,
    /// The last height; without it, the tip
    #[arg(long, value_name = "HEIGHT")]
    to: Option<Height>,
    /// Where to; `-` is stdout
    #[arg(default_value = "-")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    #[command(flatten)]
    place: Place,
    /// Where from; `-` is stdin
    #[arg(default_value = "-")]
    file: PathBuf,
}

/// Does what the command line says.
pub(super) fn run(action: Action) -> Result<(), Failure> {
    match action {
        Action::Head(place) => head(place),
        Action::Verify(place) => verify(place),
        Action::Export(export) => export.run(),
        Action::Import(import) => import.run(),
    }
}

impl Place {
    /// The configuration, and the folder that it names.
    fn config(self) -> Result<(Config, PathBuf), Failure> {
        let overrides = Overrides { data: self.data, genesis: self.genesis, ..Overrides::default() };
        let config = Config::load_with(self.config.as_deref(), overrides)?;
        let folder = config.store.clone();
        let folder = folder.ok_or_else(|| Failure::bad_input("no chain named: use --data or `[store] path`"))?;
        Ok((config, folder))
    }

    fn reader(self) -> Result<ChainReader, Failure> {
        let (config, folder) = self.config()?;
        Ok(ChainReader::open(&folder, &config.network.genesis, &config.chain.checkpoints)?)
    }
}

fn head(place: Place) -> Result<(), Failure> {
    let tip = place.reader()?.tip()?.tip();
    say(format_args!("height {}\nhash {}\ntime {}", tip.height, tip.hash, tip.timestamp))
}

fn verify(place: Place) -> Result<(), Failure> {
    let (tip, checked) = place.reader()?.verify()?;
    say(format_args!(
        "{checked} blocks checked (bytes, hash, merkle root, rewards, link), none wrong; tip {} {}",
        tip.height, tip.hash
    ))
}

/// Prints to stdout, where nobody may be reading any more.
fn say(line: std::fmt::Arguments<'_>) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").or_else(unless_closed).map_err(Failure::environment)
}

fn unless_closed(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

impl Export {
    fn run(self) -> Result<(), Failure> {
        let reader = self.place.reader()?;
        let tip = reader.tip()?.height();
        let to = self.to.unwrap_or(tip);
        if self.from > to || to > tip {
            return Err(Failure::bad_input(format_args!("no heights {} to {to}: the chain ends at {tip}", self.from)));
        }
        let name = self.file.display();
        let failed = |error: io::Error| Failure::environment(format_args!("{name}: {error}"));
        let stdout = self.file.as_os_str() == "-";
        let out: Box<dyn Write> =
            if stdout { Box::new(io::stdout().lock()) } else { Box::new(File::create(&self.file).map_err(failed)?) };
        let mut out = BufWriter::new(out);
        let mut progress = Progress::new("exported");
        for height in self.from..=to {
            let mut line = compact_json(&reader.block(height)?);
            line.push(b'\n');
            match out.write_all(&line) {
                Err(error) if stdout => return unless_closed(error).map_err(failed),
                result => result.map_err(failed)?,
            }
            progress.at(height);
        }
        out.flush().or_else(|error| if stdout { unless_closed(error) } else { Err(error) }).map_err(failed)
    }
}

impl Import {
    fn run(self) -> Result<(), Failure> {
        let (config, folder) = self.place.config()?;
        let name = if self.file.as_os_str() == "-" { "stdin".to_owned() } else { self.file.display().to_string() };
        let unreadable = |error: io::Error| Failure::environment(format_args!("{name}: {error}"));
        let mut input: Box<dyn BufRead> = if self.file.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            Box::new(BufReader::new(File::open(&self.file).map_err(unreadable)?))
        };
        let (genesis, checkpoints) = (&config.network.genesis, &config.chain.checkpoints);
        let (store, report) = RedbStore::open(&folder, genesis, checkpoints, Verify::Quick)?;
        if report.repaired.is_some() {
            eprintln!("masternode: {report}");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Failure::environment)?;
        let mut importer = Importer { store, runtime, checkpoints, held: Vec::new(), appended: 0, skipped: 0 };
        let mut progress = Progress::new("imported");
        let mut number = 0;
        loop {
            number += 1;
            let at = |reason: &dyn std::fmt::Display| format!("{name}: line {number}: {reason}");
            let taken = match line(&mut input).map_err(unreadable)? {
                Line::End => break,
                Line::TooLong => Err(format!("over {MAX_LINE} bytes")),
                Line::Text(text) => importer.take(&text)?,
            };
            if let Err(reason) = taken {
                // What came before is good.
                importer.flush()?;
                let kept = importer.store.tip().height;
                return Err(Failure::bad_input(format_args!("{}; the chain ends at height {kept}", at(&reason))));
            }
            progress.at(importer.tip().height);
        }
        importer.flush()?;
        drop(progress);
        let Importer { store, appended, skipped, .. } = importer;
        let tip = store.tip();
        say(format_args!("{appended} blocks appended, {skipped} were there; tip {} {}", tip.height, tip.hash))
    }
}

/// Appends valid blocks in batches.
struct Importer<'a> {
    store: RedbStore,
    runtime: tokio::runtime::Runtime,
    checkpoints: &'a [(Height, Hash)],
    /// Valid, not written yet.
    held: Vec<SealedBlock>,
    appended: usize,
    skipped: usize,
}

impl Importer<'_> {
    fn tip(&self) -> crate::chain::Tip {
        self.held.last().map_or_else(|| self.store.tip(), SealedBlock::tip)
    }

    /// Takes one line. The inner error says what is wrong with it, the outer one that nothing can be written.
    fn take(&mut self, text: &[u8]) -> Result<Result<(), String>, Failure> {
        let block: SealedBlock = match serde_json::from_slice(text) {
            Ok(block) => block,
            Err(error) => return Ok(Err(format!("not a block: {error}"))),
        };
        let (height, tip) = (block.height(), self.tip());
        if height <= tip.height {
            self.flush()?;
            self.skipped += 1;
            let same = self.store.block_at(height).is_some_and(|held| held == block);
            return Ok(if same { Ok(()) } else { Err(format!("the chain has another block {height}")) });
        }
        let now = SystemClock.unix_ms().div_euclid(1000);
        if let Err(error) = check(&tip, &block, now) {
            return Ok(Err(error.to_string()));
        }
        if self.checkpoints.iter().any(|(at, hash)| *at == height && *hash != block.hash()) {
            return Ok(Err(format!("the checkpoint has another block {height}")));
        }
        self.held.push(block);
        let bytes: usize = self.held.iter().map(SealedBlock::json_len).sum();
        if self.held.len() >= BATCH || bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(Ok(()))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.held.is_empty() {
            return Ok(());
        }
        let blocks = std::mem::take(&mut self.held);
        self.appended += blocks.len();
        let written = self.runtime.block_on(self.store.commit(store::Write::Append(blocks)));
        written.map_err(|error| {
            let kept = self.store.tip().height;
            Failure::environment(format_args!(
                "{error}; the chain ends at height {kept}, and an import goes on from there"
            ))
        })
    }
}

enum Line {
    Text(Vec<u8>),
    TooLong,
    End,
}

/// The next line, of which no more than the limit is ever held.
fn line(input: &mut impl BufRead) -> io::Result<Line> {
    let mut text = Vec::new();
    input.take(MAX_LINE as u64 + 2).read_until(b'\n', &mut text)?;
    if text.is_empty() {
        return Ok(Line::End);
    }
    if text.ends_with(b"\n") {
        text.pop();
    }
    Ok(if text.len() > MAX_LINE { Line::TooLong } else { Line::Text(text) })
}

/// A counter on stderr, where that is a terminal.
struct Progress {
    what: &'static str,
    terminal: bool,
}

impl Progress {
    fn new(what: &'static str) -> Self {
        Self { what, terminal: io::stderr().is_terminal() }
    }

    fn at(&mut self, height: Height) {
        if self.terminal && height.is_multiple_of(BATCH as u64) {
            eprint!("\r{} up to {height} ", self.what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal {
            eprintln!();
        }
    }
}
