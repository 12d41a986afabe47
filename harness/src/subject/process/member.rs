//! One node of a run, in each of its lives, and what it says.
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use agent::Tun;

use super::log_line;
use super::program::{Program, Setting};
use super::readdress::AddressBook;
use super::watch::Watch;
use crate::peer::Chains;
use crate::subject::home::Home;
use crate::subject::profile::Ready;

/// Bytes of one node's log in a run; one with more can't be judged by it.
pub const LONGEST_LOG: u64 = 64 << 20;
/// A longer line of a log is cut.
const LONGEST_LINE: u64 = 1 << 20;

/// A node and where it lives.
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its address.
    pub ip: Ipv4Addr,
    program: Program,
    setting: Setting,
    dir: PathBuf,
    home: Box<dyn Home>,
    /// Reads the log while there is a life to read of.
    reader: Option<JoinHandle<()>>,
    said: Arc<Said>,
    /// Pauses in force.
    pauses: u32,
    /// When it was last killed by the harness.
    pub killed_at: Option<Instant>,
}

/// What a node's log was like so far, in all its lives.
#[derive(Debug, Default)]
struct Said {
    /// A line has said that it is ready.
    ready: AtomicBool,
    bytes: AtomicU64,
}

/// What reading a log needs.
#[derive(Clone)]
pub struct Ears {
    pub watch: Watch,
    pub chains: Chains,
    pub book: AddressBook,
    /// Whether connections are known from the log only.
    pub connections: bool,
    pub program: Program,
}

impl Member {
    /// A node that isn't running; the harness has its files in `dir`.
    ///
    /// # Errors
    /// The file that sets its clock can't be written.
    pub fn new(
        name: &str,
        ip: Ipv4Addr,
        program: &Program,
        setting: Setting,
        dir: PathBuf,
        home: Box<dyn Home>,
    ) -> io::Result<Self> {
        let member = Self {
            name: name.to_owned(),
            ip,
            program: program.clone(),
            setting,
            dir,
            home,
            reader: None,
            said: Arc::default(),
            pauses: 0,
            killed_at: None,
        };
        member.set_clock(0, 0)?;
        Ok(member)
    }

    /// Its clock is to be `offset_ms` further ahead than it was at first, and to gain `drift_ppm` microseconds a second.
    ///
    /// # Errors
    /// The file that sets it can't be written.
    pub fn set_clock(&self, offset_ms: i64, drift_ppm: i64) -> io::Result<()> {
        let Some(file) = self.program.clock_file() else { return Ok(()) };
        let (seconds, faster) = ((self.setting.ahead_ms + offset_ms) as f64 / 1e3, 1.0 + drift_ppm as f64 / 1e6);
        self.home.write(file, &format!("{seconds:+.3} x{faster:.6}\n"))
    }

    /// Where the harness has its files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A new life on the same data.
    ///
    /// # Errors
    /// A program can't be started.
    pub fn start(&mut self, ears: &Ears) -> io::Result<()> {
        let log = self.home.start()?;
        let (name, ears, said) = (self.name.clone(), ears.clone(), self.said.clone());
        let reader = thread::Builder::new().name(format!("log-{name}")).spawn(move || {
            let ready = ears.program.ready().and_then(|ready| ready.log.as_ref());
            ears.listen(&name, log, |line| {
                if ready.is_some_and(|ready| ready.is_match(line)) {
                    said.ready.store(true, Ordering::Relaxed);
                }
                said.bytes.fetch_add(line.len() as u64, Ordering::Relaxed) < LONGEST_LOG
            });
        })?;
        self.killed_at = None;
        self.reader = Some(reader);
        Ok(())
    }

    /// Begins, while others do something else, what a start after a kill needs.
    pub fn get_ready(&mut self) {
        self.home.get_ready();
    }

    /// Waits until a start takes next to no time.
    pub fn wait_until_at_hand(&mut self) {
        self.home.wait_until_at_hand();
    }

    /// A program beside it that has failed: its words, and how.
    pub fn failed_helper(&mut self) -> Option<(String, String)> {
        self.home.failed_helper()
    }

    /// Its machine is another one from now on; the new one's packets, where the harness carries them.
    ///
    /// # Errors
    /// There is no other one.
    pub fn rebuild(&mut self) -> io::Result<Option<Tun>> {
        self.home.rebuild()
    }

    /// Whether it says that it is ready, or, where its log has no words for that, listens on its port.
    pub fn is_ready(&self) -> bool {
        match self.program.ready() {
            None => true,
            Some(Ready { log: Some(_), .. }) => self.said.ready.load(Ordering::Relaxed),
            Some(Ready { log: None, .. }) => self.home.listens(SocketAddrV4::new(self.ip, self.program.port())),
        }
    }

    /// Whether it has a log, but has written nothing to it.
    pub fn is_silent(&self) -> bool {
        self.program.logs() && self.said.bytes.load(Ordering::Relaxed) == 0
    }

    /// Whether its log is longer than what is read.
    pub fn says_too_much(&self) -> bool {
        self.said.bytes.load(Ordering::Relaxed) >= LONGEST_LOG
    }

    /// Ends the process at once; nothing of its log is lost.
    #[allow(clippy::disallowed_methods, reason = "a run of processes is in real time")]
    pub fn kill(&mut self) {
        self.killed_at = Some(Instant::now());
        if let Some(reader) = self.reader.take() {
            self.home.kill();
            let _ = reader.join();
        }
    }

    /// Asks the process to end.
    pub fn terminate(&mut self) {
        if self.reader.is_some() {
            self.home.terminate();
        }
    }

    /// Waits for the end that was asked for, 5 s at most, then kills; what it left is in its folder then.
    ///
    /// # Errors
    /// What it left can't be had.
    pub fn finish(&mut self) -> io::Result<()> {
        for _ in 0..1000 {
            if !self.runs() {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.kill();
        self.home.fetch()
    }

    /// Stops the process, unless it is stopped.
    pub fn pause(&mut self) {
        self.pauses += 1;
        self.home.pause();
    }

    /// Lets it go on, unless another pause is in force: whether it was stopped, and whether it is as it should be.
    pub fn resume(&mut self) -> (bool, bool) {
        let stopped = self.home.is_paused();
        self.pauses = self.pauses.saturating_sub(1);
        if self.pauses > 0 {
            return (stopped, true);
        }
        self.home.resume();
        (stopped, self.runs() && !self.home.is_paused())
    }

    /// Whether it stands still.
    pub fn is_paused(&self) -> bool {
        self.pauses > 0
    }

    /// Whether its process runs.
    pub fn runs(&mut self) -> bool {
        self.reader.is_some() && self.home.ended().is_none()
    }

    /// Where the process ended by itself: how, with what it wrote last to its standard error.
    pub fn ended_by_itself(&mut self) -> Option<String> {
        self.reader.as_ref()?;
        let how = self.home.ended()?;
        self.home.kill();
        self.reader.take().map(JoinHandle::join);
        Some(how)
    }

    /// What the system tells of its memory, in bytes: resident now, and at most so far.
    pub fn memory(&self) -> Option<[f64; 2]> {
        self.reader.as_ref()?;
        self.home.memory()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Ears {
    /// Records a log up to its end, what of it `heard` says so.
    fn listen(&self, name: &str, log: impl Read, heard: impl Fn(&str) -> bool) {
        let mut log = BufReader::new(log);
        let mut line = Vec::new();
        while let Ok(1..) = log.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            let text = self.book.translate(String::from_utf8_lossy(&line).trim_end());
            // On a busy machine a line is read long after it was written, and after what came of it was seen elsewhere.
            let written = self.program.written(&text).map(|written| self.watch.at_clock(written));
            let at = written.unwrap_or_else(|| self.watch.now());
            if !heard(&text) {
                line.clear();
                continue;
            }
            let said = self.program.read(&text, self.watch.time_scale());
            let chain = log_line::chain(&said, &self.chains);
            let connection = log_line::connection(&said).filter(|_| self.connections);
            for what in [Some(said), chain, connection].into_iter().flatten() {
                self.watch.saw(at, name, what);
            }
            line.clear();
        }
    }
}
