//! Reading logs: files of any form, as a stream.
//!
//! `files` finds them, `source` unpacks and `lines` cuts them, `line` takes a line apart (`stamp`, `structured`), `clock` and `hosts` say when and who,
//! [`crate::words`] what; `log` goes through a file with these, and counts what nobody knows (`kinds`).
mod clock;
mod error;
mod files;
mod hosts;
mod kinds;
mod line;
mod lines;
mod log;
mod source;
mod stamp;
mod structured;
mod text;
mod wrapped;

use std::path::{Path, PathBuf};

use clock::Clock;
use files::Input;
use hosts::Hosts;
use kinds::Kinds;
use lines::Lines;
use log::{Log, Shared};

pub use error::{Flaw, ReadError, colon};
pub use kinds::Kind;
pub use line::Form;
pub use log::FileRead;

use super::told::{Told, nameless};
use crate::words::Patterns;

/// How logs are read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Hosts by file, for lines that name none. A file is named by its path, or as it is called in [`Reading::files`].
    pub hosts: Vec<(PathBuf, String)>,
    /// The year of each file's first line, where lines have none. Default: the last in which it isn't later than the file's last change.
    pub year: Option<i16>,
    /// A file of patterns, which go before the shipped ones.
    pub patterns: Option<PathBuf>,
    /// What is wrong with a log is noted, and what can be read of it is used.
    pub lenient: bool,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The files, in the order in which they were read: [`super::told::Place::file`] is the index.
    pub files: Vec<FileRead>,
    /// Who wrote their lines: [`Told::host`] is the index. At most 1000; further ones are one, `other-hosts`.
    pub hosts: Vec<String>,
    /// For each host the files with its lines.
    pub host_files: Vec<Vec<u16>>,
    /// Kinds of lines that no pattern knows, the commonest first; at most 1000.
    pub not_understood: Vec<Kind>,
    /// Lines of further kinds.
    pub other_kinds: u64,
}

impl Reading {
    /// The files' names.
    pub fn names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.name.clone()).collect()
    }
}

/// Reads files, folders (all regular files in them, sorted, but hidden ones) and standard input (`-`), packed or not, and hands each event
/// to `tell`, in order of files and lines.
///
/// # Errors
/// The patterns or a file can't be read, or something is wrong with a log: with [`Options::lenient`] only what leaves nothing to go on with.
pub fn read(inputs: &[PathBuf], options: &Options, tell: &mut dyn FnMut(&Told<'_>)) -> Result<Reading, ReadError> {
    let patterns = Patterns::load(options.patterns.as_deref())?;
    let inputs = files::find(inputs)?;
    if let Some((path, _)) = options.hosts.iter().find(|(path, _)| !inputs.iter().any(|input| is(input, path))) {
        return Err(ReadError::HostOfNone(path.clone()));
    }
    let (clock, hosts, kinds) = (Clock::new(options.year), Hosts::default(), Kinds::default());
    let mut shared = Shared { patterns: &patterns, clock, hosts, kinds, tell };
    let mut files = Vec::with_capacity(inputs.len());
    for (input, index) in inputs.iter().zip(0..) {
        let file = one(input, index, options, &mut shared)?;
        match file.problems.first() {
            Some((line, flaw)) if !options.lenient => {
                return Err(ReadError::Log {
                    nameless: nameless(index.into()),
                    line: *line,
                    flaw: flaw.clone(),
                    name: file.name,
                });
            }
            _ => files.push(file),
        }
    }
    let (hosts, host_files) = shared.hosts.finish();
    let (not_understood, other_kinds) = shared.kinds.finish();
    Ok(Reading { files, hosts, host_files, not_understood, other_kinds })
}

fn is(input: &Input, path: &Path) -> bool {
    input.path == path || Path::new(&input.name) == path
}

fn one(input: &Input, index: u16, options: &Options, shared: &mut Shared<'_>) -> Result<FileRead, ReadError> {
    let unreadable =
        |source| ReadError::Unreadable { path: input.path.clone(), nameless: nameless(index.into()), source };
    let (from, changed) = source::open(&input.path).map_err(unreadable)?;
    shared.clock.open(changed);
    let given = options.hosts.iter().find(|(path, _)| is(input, path)).map(|(_, host)| host.as_str());
    let mut log = Log::new(shared, index, input, given.unwrap_or(&input.host), given.is_some());
    let mut lines = Lines::new(from);
    if !log.begin(lines.beginning()) && !options.lenient {
        return Ok(log.end(0, None));
    }
    let mut room = String::new();
    while let Some(line) = lines.next() {
        log.line(&line, &mut room);
    }
    match lines.failed.take() {
        // The system's errors have a number, those of who unpacks have none.
        Some(source) if source.raw_os_error().is_some() && !options.lenient => Err(unreadable(source)),
        failed => Ok(log.end(lines.bytes, failed)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    use tempfile::TempDir;

    use super::stamp::midnight;
    use super::*;

    /// Files of a folder that is gone afterwards.
    fn folder(files: &[(&str, &[u8])]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        dir
    }

    /// What is read, and its events in words: line, host, seconds since the day's beginning, event, fields.
    fn told(dir: &TempDir, options: &Options) -> (Result<Reading, ReadError>, Vec<String>) {
        let mut told = Vec::new();
        let reading = read(&[dir.path().to_owned()], options, &mut |event| {
            let of_day = event.at.rem_euclid(stamp::DAY) as f64 / 1e6;
            let fields: Vec<String> = event.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            told.push(format!("{} {} {of_day} {} {}", event.place.line, event.host, event.event, fields.join(" ")));
        });
        (reading, told)
    }

    fn lenient() -> Options {
        Options { lenient: true, ..Options::default() }
    }

    #[test]
    fn one_file_may_hold_every_form_and_several_hosts() {
        let log = "# quoted by an operator\r
\u{1b}[2m2026-01-07 00:00:01.500 [mn7]\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m Status: Height=1, Active Masternodes=4\r
Jan  7 00:00:02 ohio timed[7]:  INFO Status: Height=2, Active Masternodes=4
{\"timestamp\":\"2026-01-07T00:00:03.25Z\",\"level\":\"INFO\",\"fields\":{\"message\":\"Status: Height=3, Active Masternodes=4\"}}
[and so on...]
00:00:04 INFO Status: Height=4, Active Masternodes=4
Status: Height=5, Active Masternodes=4
2026-01-07T00:00:06.000001Z  INFO node: Started at height 6 ab event=\"started\" height=6 tip=\"ab\" time_scale=1
2026-01-07T00:00:07+0000 iowa timed[7]: Status: Height=7, Active Masternodes=4
";
        let (reading, told) = told(&folder(&[("a.log", log.as_bytes())]), &Options::default());
        let wanted = [
            "2 0 1.5 status height=1 masternodes=4",
            "3 1 2 status height=2 masternodes=4",
            "4 1 3.25 status height=3 masternodes=4",
            "6 1 4 status height=4 masternodes=4",
            "7 1 4 status height=5 masternodes=4",
            "8 1 6.000001 started height=6 tip=ab time_scale=1",
            "9 2 7 status height=7 masternodes=4",
        ];
        assert_eq!(told, wanted);
        let reading = reading.unwrap();
        assert_eq!(
            (reading.hosts, reading.host_files),
            (["mn7", "ohio", "iowa"].map(str::to_owned).into(), vec![vec![0]; 3])
        );
        let file = &reading.files[0];
        assert_eq!((file.lines, file.events, file.timed, file.remarks, file.bytes), (9, 7, 6, 2, log.len() as u64));
        assert_eq!(file.forms.values().sum::<u64>(), 9);
        assert_eq!(reading.not_understood[0].count, 2);
    }

    #[test]
    fn the_logs_of_a_runs_folder_tell_simulated_time() {
        let dir = folder(&[("a.log", "    30.000 s  INFO Produced block 7 ab\n".as_bytes())]);
        let mut at = 0;
        read(&[dir.path().join("a.log")], &Options::default(), &mut |told| at = told.at).unwrap();
        assert_eq!(at, midnight(2026, 6, 1).unwrap() + 30_000_000);
    }

    #[test]
    fn hosts_come_from_lines_by_hand_or_from_names() {
        let text = b"Daemon v1.0.0 ()\n2026-01-07 00:00:01 [mn7]  INFO Status: Height=1, Active Masternodes=4\nDaemon v1.0.0 ()\n";
        let plain = b"00:00:01 Status: Height=1, Active Masternodes=4\n";
        let dir = folder(&[("a.log", text), ("b.log", plain), ("c.log", plain)]);
        let hosts = vec![("b.log".into(), "ohio".to_owned()), (dir.path().join("c.log"), "iowa".to_owned())];
        let (reading, told) = told(&dir, &Options { hosts, ..Options::default() });
        assert_eq!(reading.unwrap().hosts, ["mn7", "ohio", "iowa"]);
        assert_eq!(told[0], "1 0 1 daemon_started version=1.0.0", "its first line has the first time");
        let hosts = vec![("d.log".into(), "ohio".to_owned())];
        let error =
            super::read(&[dir.path().to_owned()], &Options { hosts, ..Options::default() }, &mut |_| ()).unwrap_err();
        assert!(matches!(error, ReadError::HostOfNone(_)), "{error}");
    }

    #[test]
    fn wrapped_lines_are_put_together() {
        let log = b"10:00:00 WARN Skipped block 7: Block 7 previous_hash mismatch:
                expected ab, got cd
10:00:01 WARN Skipped block 8: a reason:
10:00:02 INFO Sync complete at
height 9
10:00:03 INFO Masternode 10.0.0.2 mar
ked offline (no heartbeat for 300s)
10:00:04 INFO Fork at
  height 7. Checking previous block at height 6
  (searched 1 blocks back)
10:00:05 INFO unknown
  more of it
Stopped
";
        let (reading, told) = told(&folder(&[("a.log", log)]), &Options::default());
        let wanted = [
            "1 0 36000 block_rejected height=7 reason=Block 7 previous_hash mismatch expected=ab got=cd",
            "3 0 36001 block_rejected height=8 reason=a reason:",
            "4 0 36002 in_sync our=9",
            "6 0 36003 masternode_offline ip=10.0.0.2 after=300",
            "8 0 36004 fork_search height=7 next=6 depth=1",
            "13 0 36005 stopped ",
        ];
        assert_eq!(told, wanted);
        let Reading { files, not_understood, .. } = reading.unwrap();
        assert_eq!(files[0].wrapped, 4);
        let kinds: Vec<&str> = not_understood.iter().map(|kind| kind.words.as_str()).collect();
        assert_eq!(kinds, ["unknown", "more of it"]);
    }

    #[test]
    fn what_is_odd_in_a_log_is_counted() {
        let mut log = b"=2, Active Masternodes=4\n10:00:00 INFO Stopped\n".to_vec();
        log.extend(
            [b"10:00:01 INFO ".to_vec(), vec![b'x'; 1 << 20], b"\n09:59:59 INFO caf\xe9 \xff\n".to_vec()].concat(),
        );
        log.extend(
            "10:00:02 INFO ğŸ”„ Syncing from peers: 1 â†’ 2\n{\"timestamp\":\"20\n10:00:03 INFO Status: Hei".as_bytes(),
        );
        let (reading, told) = told(&folder(&[("a.log", &log)]), &Options::default());
        assert_eq!(told, ["2 0 36000 stopped ", "5 0 36002 syncing our=1 target=2"]);
        let file = &reading.unwrap().files[0];
        assert_eq!(
            (file.lines, file.cut, file.long, file.not_utf8, file.mojibake, file.steps_back),
            (7, 3, 1, 1, 1, 1)
        );
        assert!(file.day_taken && file.problems.is_empty());
    }

    #[test]
    fn bad_files_are_told_with_name_and_line_and_used_where_asked() {
        let good: Vec<u8> = (0..50_000_u32)
            .flat_map(|n| format!("10:00:00 INFO Peer 10.0.0.2 has height {n}\n").into_bytes())
            .collect();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&good).unwrap();
        let (gzip, zstd) = (gzip.finish().unwrap(), compress_to_vec(&*good, CompressionLevel::Fastest));
        let utf16: Vec<u8> = "\u{feff}10:00:00 Stopped".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, wanted, events) in [
            (&b""[..], "bad: the file is empty\n--lenient uses what could be read", 0),
            (b"\n\n", "bad: the file is empty", 0),
            (b"10:00:00 INFO Stopped\0\n10:00:00 INFO Stopped\n", "bad: this is no log: the file is binary", 1),
            (&[0xc3; 100], "bad: this is no log: the file is binary", 0),
            (&utf16, "bad: the text is UTF-16: save it as UTF-8", 0),
            (
                b"Jan  7 10:00:00 ohio sshd[7]: Accepted key\n",
                "bad: not one line is known: is it another program's log? It begins \"Jan  7",
                0,
            ),
            (b"Status: Height=5, Active Masternodes=4\nStopped\n", "bad: not one line has a time", 2),
            (&gzip[..gzip.len() / 2], "what is compressed breaks off or is damaged here", 1000),
            (&zstd[..zstd.len() / 2], "what is compressed breaks off or is damaged here", 1000),
        ] {
            let dir = folder(&[("bad", bytes), ("good.log", b"10:00:00 INFO Stopped\n")]);
            let error = told(&dir, &Options::default()).0.unwrap_err();
            assert!(error.to_string().contains(wanted) && !error.is_environment(), "{error}");
            let (reading, told) = told(&dir, &lenient());
            let files = reading.unwrap().files;
            assert_eq!((files[0].problems.len(), files[1].events), (1, 1), "{error}");
            assert!(told.len() > events, "{error}: {told:?}");
            if events == 1000 {
                let line = files[0].problems[0].0.unwrap();
                assert!(line == files[0].lines && error.to_string().starts_with(&format!("bad:{line}: ")), "{error}");
            }
        }
        let dir = folder(&[("a.log.gz", &gzip), ("b.zst", &zstd), ("c", &good)]);
        let files = told(&dir, &Options::default()).0.unwrap().files;
        assert!(files.iter().all(|file| file.events == 50_000 && file.bytes == good.len() as u64));
        let missing = super::read(&[dir.path().join("none")], &lenient(), &mut |_| ()).unwrap_err();
        assert!(missing.is_environment(), "{missing}");
    }

    /// Lines and bytes, cut and put together by chance.
    fn mixture(random: &mut ChaCha8Rng) -> Vec<u8> {
        const PIECES: [&[u8]; 20] = [
            b"2026-01-07 00:00:01.500 [mn7]  INFO ",
            b"Jan  7 00:00:02 ohio timed[7]:  WARN ",
            b"Feb 29 00:00:02 ",
            b"23:59:59 INFO ",
            b"    30.000 s  INFO ",
            b"99999999999999.000 s  INFO ",
            b"9999-12-31T23:59:60.9999999Z DEBUG node: ",
            b"{\"timestamp\":\"2026-01-07T00:00:03Z\",\"fields\":{\"message\":\"",
            b"\"}}",
            b"event=\"behind\" our=5 reason=\"a \\\"",
            b"[Outbound] Sent ping to 10.0.0.2 at height 5 (nonce: 18446744073709551616)",
            b"Skipped block 7: x:",
            b" expected ab, got cd",
            "Syncing from peers: 1 → 2".as_bytes(),
            "ğŸ â†’ ï¿½".as_bytes(),
            b"\x1b[2m\x1b[",
            b"\xff\xfe\x00",
            b"[a remark]",
            b"\r\n",
            b"\n",
        ];
        let mut bytes = Vec::new();
        for _ in 0..random.random_range(1..400) {
            match random.random_range(0..12) {
                0 => bytes.extend((0..random.random_range(0..40)).map(|_| random.random::<u8>())),
                1 => bytes.extend(
                    format!("2026-01-07 00:00:01 [h{}]  INFO {:b}", random.random::<u16>(), random.random::<u16>())
                        .bytes(),
                ),
                2 if random.random_ratio(1, 40) => {
                    bytes.extend(vec![random.random::<u8>(); random.random_range(0..300_000)])
                }
                _ => {
                    let piece = PIECES[random.random_range(0..PIECES.len())];
                    let end =
                        if random.random_ratio(1, 5) { random.random_range(0..=piece.len()) } else { piece.len() };
                    bytes.extend(&piece[..end]);
                    if random.random_ratio(1, 3) {
                        bytes.push(b'\n');
                    }
                }
            }
        }
        bytes
    }

    #[test]
    fn whatever_the_bytes_are_every_line_is_counted_and_little_is_kept() {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        for _ in 0..300 {
            let (first, second) = (mixture(&mut random), mixture(&mut random));
            let dir = folder(&[("a", &first), ("b", &second)]);
            let (reading, told) = super::tests::told(&dir, &lenient());
            let reading = reading.unwrap();
            assert_eq!(reading.files.iter().map(|file| file.events).sum::<u64>(), told.len() as u64);
            for (file, bytes) in reading.files.iter().zip([first, second]) {
                let ends = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
                assert!(file.lines == ends || file.lines == ends + 1);
                assert!(file.bytes == bytes.len() as u64 && file.forms.values().sum::<u64>() <= file.lines);
            }
            assert!(reading.not_understood.len() <= kinds::MOST_KINDS && reading.hosts.len() <= 1000);
            let lines: u64 = reading.files.iter().map(|file| file.forms.values().sum::<u64>()).sum();
            let unknown = reading.not_understood.iter().map(|kind| kind.count).sum::<u64>() + reading.other_kinds;
            let joined: u64 = reading.files.iter().map(|file| file.wrapped).sum();
            assert!(unknown + told.len() as u64 + joined <= lines && lines <= unknown + told.len() as u64 + 4 * joined);
            // As it is, or an error: never a panic.
            let _ = super::tests::told(&dir, &Options::default());
        }
    }
}
