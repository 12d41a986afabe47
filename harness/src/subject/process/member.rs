//! One node of a run: its folder, its process in each of its lives, and what it says.
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::log_line;
use super::namespace::Namespace;
use super::program::Program;
use super::readdress::AddressBook;
use super::spawner::Spawner;
use super::watch::Watch;
use crate::peer::Chains;
use crate::scenario::resolved::Node;
use crate::subject::profile::Stream;

/// A longer line of a log is cut.
const LONGEST_LINE: u64 = 1 << 20;

/// A node as processes.
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its address.
    pub ip: Ipv4Addr,
    node: Node,
    program: Program,
    dir: PathBuf,
    /// `None` without namespaces.
    pub namespace: Option<Arc<Namespace>>,
    life: Option<Life>,
    /// Pauses in force.
    pauses: u32,
    /// When it was last killed by the harness.
    pub killed_at: Option<Instant>,
}

/// A process and the thread that reads its log.
struct Life {
    child: Child,
    reader: JoinHandle<()>,
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
    /// A node that isn't running, with its folder `dir`, where its files are.
    pub fn new(name: &str, node: &Node, program: &Program, dir: PathBuf, namespace: Option<Arc<Namespace>>) -> Self {
        let (name, ip, node, program) = (name.to_owned(), node.ip, node.clone(), program.clone());
        Self { name, ip, node, program, dir, namespace, life: None, pauses: 0, killed_at: None }
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A new process on the same data.
    ///
    /// # Errors
    /// The program can't be started.
    pub fn start(&mut self, spawner: &Spawner, ears: &Ears) -> io::Result<()> {
        let mut command = self.program.run(&self.node, &self.dir);
        let errors = File::options().create(true).append(true).open(self.errors())?;
        match self.program.log() {
            Stream::Stdout => command.stdout(Stdio::piped()).stderr(errors),
            Stream::Stderr => command.stdout(errors).stderr(Stdio::piped()),
        };
        let mut child = spawner.spawn(self.namespace.as_deref(), command)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (name, ears) = (self.name.clone(), ears.clone());
        let reader = thread::Builder::new().name(format!("log-{name}")).spawn(move || {
            stdout.into_iter().for_each(|log| ears.listen(&name, log));
            stderr.into_iter().for_each(|log| ears.listen(&name, log));
        })?;
        self.killed_at = None;
        self.life = Some(Life { child, reader });
        Ok(())
    }

    /// Where the stream goes that is not its log.
    fn errors(&self) -> PathBuf {
        self.dir.join("stderr")
    }

    /// Ends the process at once; nothing of its log is lost.
    #[allow(clippy::disallowed_methods, reason = "a run of processes is in real time")]
    pub fn kill(&mut self) {
        self.killed_at = Some(Instant::now());
        if let Some(Life { mut child, reader }) = self.life.take() {
            // An error means that it has ended already.
            let _ = child.kill();
            let _ = child.wait();
            let _ = reader.join();
        }
    }

    /// Asks the process to end.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Waits for the end that was asked for, 5 s at most, then kills.
    pub fn finish(&mut self) {
        for _ in 0..1000 {
            if !self.runs() {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.kill();
    }

    /// Stops the process, unless it is stopped.
    pub fn pause(&mut self) {
        self.pauses += 1;
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on, unless another pause is in force: whether it was stopped, and whether it is as it should be.
    pub fn resume(&mut self) -> (bool, bool) {
        let stopped = self.state() == Some('T');
        self.pauses = self.pauses.saturating_sub(1);
        if self.pauses > 0 {
            return (stopped, true);
        }
        self.signal(Signal::SIGCONT);
        (stopped, self.state().is_some_and(|state| state != 'T'))
    }

    /// Whether it stands still.
    pub fn is_paused(&self) -> bool {
        self.pauses > 0
    }

    /// Whether its process runs.
    pub fn runs(&mut self) -> bool {
        self.life.as_mut().is_some_and(|life| matches!(life.child.try_wait(), Ok(None)))
    }

    /// Where the process ended by itself: how, with what it wrote last to its standard error.
    pub fn ended_by_itself(&mut self) -> Option<String> {
        let status = self.life.as_mut()?.child.try_wait().ok()??;
        self.life.take().map(|life| life.reader.join());
        let errors = fs::read_to_string(self.errors()).unwrap_or_default();
        let last = errors.trim_end().lines().next_back().unwrap_or("nothing on its standard error");
        Some(format!("{status}, {last}"))
    }

    /// What the system tells of its memory, in bytes: resident now, and at most so far.
    pub fn memory(&self) -> Option<[f64; 2]> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.life.as_ref()?.child.id())).ok()?;
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()? * 1024.0)
        };
        Some([value("VmRSS:")?, value("VmHWM:")?])
    }

    fn signal(&self, signal: Signal) {
        if let Some(life) = &self.life {
            // An error means that it has ended already.
            let _ = kill(Pid::from_raw(life.child.id().cast_signed()), signal);
        }
    }

    /// `T` where stopped (proc(5)).
    fn state(&self) -> Option<char> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.life.as_ref()?.child.id())).ok()?;
        stat.rsplit_once(") ")?.1.chars().next()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Ears {
    /// Records a log up to its end.
    fn listen(&self, name: &str, log: impl Read) {
        let mut log = BufReader::new(log);
        let mut line = Vec::new();
        while let Ok(1..) = log.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            let at = self.watch.now();
            let text = self.book.translate(String::from_utf8_lossy(&line).trim_end());
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
