//! One node of a run: its folder, its process in each of its lives, and what it says.
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::log_line;
use super::namespace::Namespace;
use super::program::{Program, Setting};
use super::readdress::AddressBook;
use super::spawner::Spawner;
use super::watch::Watch;
use crate::peer::Chains;
use crate::scenario::resolved::Node;
use crate::subject::profile::{Ready, Stream};

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
    setting: Setting,
    dir: PathBuf,
    /// What it sees as its machine's file of hosts.
    hosts: Option<PathBuf>,
    /// What runs beside it, each with its words.
    helpers: Vec<(String, Child)>,
    /// Whether a line of its log has said that it is ready.
    said_ready: Arc<AtomicBool>,
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
    ///
    /// # Errors
    /// Its file of hosts can't be written.
    pub fn new(
        name: &str,
        node: &Node,
        program: &Program,
        setting: Setting,
        dir: PathBuf,
        namespace: Option<Arc<Namespace>>,
    ) -> io::Result<Self> {
        let hosts = match program.hosts(node, &dir, setting) {
            None => None,
            Some(text) => {
                let path = dir.join("hosts");
                fs::write(&path, text)?;
                Some(path)
            }
        };
        let member = Self {
            name: name.to_owned(),
            ip: node.ip,
            node: node.clone(),
            program: program.clone(),
            setting,
            dir,
            hosts,
            helpers: Vec::new(),
            said_ready: Arc::default(),
            namespace,
            life: None,
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
        let path = self.dir.join(file);
        fs::create_dir_all(path.parent().unwrap_or(&self.dir))?;
        let (seconds, faster) = ((self.setting.ahead_ms + offset_ms) as f64 / 1e3, 1.0 + drift_ppm as f64 / 1e6);
        // Whole at every instant: who reads it may do so at any time.
        let new = path.with_extension("new");
        fs::write(&new, format!("{seconds:+.3} x{faster:.6}\n"))?;
        fs::rename(new, path)
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A new process on the same data, and what runs beside it, unless that runs already.
    ///
    /// # Errors
    /// A program can't be started.
    pub fn start(&mut self, spawner: &Spawner, ears: &Ears) -> io::Result<()> {
        if self.helpers.is_empty() {
            self.start_helpers(spawner)?;
        }
        let mut command = self.program.run(&self.node, &self.dir, self.setting);
        let errors = File::options().create(true).append(true).open(self.errors())?;
        match self.program.log() {
            Stream::Stdout => command.stdout(Stdio::piped()).stderr(errors),
            Stream::Stderr => command.stdout(errors).stderr(Stdio::piped()),
        };
        let mut child = spawner.spawn(self.namespace.as_deref(), self.hosts.as_deref(), command)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (name, ears, said_ready) = (self.name.clone(), ears.clone(), self.said_ready.clone());
        let reader = thread::Builder::new().name(format!("log-{name}")).spawn(move || {
            let ready = ears.program.ready().and_then(|ready| ready.log.as_ref());
            let heard = |line: &str| {
                if ready.is_some_and(|ready| ready.is_match(line)) {
                    said_ready.store(true, Ordering::Relaxed);
                }
            };
            stdout.into_iter().for_each(|log| ears.listen(&name, log, heard));
            stderr.into_iter().for_each(|log| ears.listen(&name, log, heard));
        })?;
        self.killed_at = None;
        self.life = Some(Life { child, reader });
        Ok(())
    }

    fn start_helpers(&mut self, spawner: &Spawner) -> io::Result<()> {
        for (n, mut command) in self.program.helpers(&self.node, &self.dir, self.setting).into_iter().enumerate() {
            let said = File::create(self.dir.join(format!("helper-{n}")))?;
            command.stdout(said.try_clone()?).stderr(said);
            let words = command.get_program().display().to_string();
            let child = spawner
                .spawn(self.namespace.as_deref(), self.hosts.as_deref(), command)
                .map_err(|error| io::Error::new(error.kind(), format!("its helper {words}: {error}")))?;
            self.helpers.push((words, child));
        }
        Ok(())
    }

    /// A program beside it that has failed: its words, and how.
    pub fn failed_helper(&mut self) -> Option<(String, String)> {
        let dir = &self.dir;
        self.helpers.iter_mut().enumerate().find_map(|(n, (words, child))| {
            let status = child.try_wait().ok()?.filter(|status| !status.success())?;
            let said = fs::read_to_string(dir.join(format!("helper-{n}"))).unwrap_or_default();
            Some((
                words.clone(),
                format!("{status}, {}", said.trim_end().lines().next_back().unwrap_or("without a word")),
            ))
        })
    }

    fn end_helpers(&mut self) {
        for (_, mut child) in self.helpers.drain(..) {
            // An error means that it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Its machine is another one from now on: with its old kernel, what ran beside it is gone too.
    pub fn move_to(&mut self, namespace: Namespace) {
        self.end_helpers();
        self.namespace = Some(Arc::new(namespace));
    }

    /// Whether it says that it is ready, or, where its log has no words for that, listens on its port.
    pub fn is_ready(&self) -> bool {
        match self.program.ready() {
            None => true,
            Some(Ready { log: Some(_), .. }) => self.said_ready.load(Ordering::Relaxed),
            Some(Ready { log: None, .. }) => self.listens(),
        }
    }

    /// Whether somebody in its network listens on its port, at its address or at all (proc(5), net/tcp).
    fn listens(&self) -> bool {
        let Some(life) = &self.life else { return false };
        let port = format!(":{:04X}", self.program.port());
        // As the kernel writes it: the address' bytes as a number of this machine.
        let own = format!("{:08X}", u32::from_ne_bytes(self.ip.octets()));
        let any = |ip: &str| ip.chars().all(|c| c == '0');
        ["tcp", "tcp6"].iter().any(|table| {
            let path = format!("/proc/{}/net/{table}", life.child.id());
            fs::read_to_string(path).unwrap_or_default().lines().any(|line| {
                let mut words = line.split_whitespace().skip(1);
                let (Some(local), Some(state)) = (words.next(), words.nth(1)) else { return false };
                let ip = local.strip_suffix(&port);
                state == "0A" && ip.is_some_and(|ip| ip == own || any(ip))
            })
        })
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
        self.end_helpers();
    }
}

impl Ears {
    /// Records a log up to its end.
    fn listen(&self, name: &str, log: impl Read, heard: impl Fn(&str)) {
        let mut log = BufReader::new(log);
        let mut line = Vec::new();
        while let Ok(1..) = log.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            let text = self.book.translate(String::from_utf8_lossy(&line).trim_end());
            // On a busy machine a line is read long after it was written, and after what came of it was seen elsewhere.
            let written = self.program.written(&text).map(|written| self.watch.at_clock(written));
            let at = written.unwrap_or_else(|| self.watch.now());
            heard(&text);
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
