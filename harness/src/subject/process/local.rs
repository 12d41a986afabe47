//! A home on this machine: a folder, a network namespace where there is one, and a process.
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;

use agent::{Tun, listening};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::namespace::Namespace;
use super::program::{Program, Setting};
use super::spawner::Spawner;
use crate::scenario::resolved::Node;
use crate::subject::home::{Home, memory_of};
use crate::subject::profile::Stream;

/// See the module.
pub struct Local {
    spawner: Arc<Spawner>,
    node: Node,
    program: Program,
    setting: Setting,
    dir: PathBuf,
    /// What it sees as its machine's file of hosts.
    hosts: Option<PathBuf>,
    /// What runs beside it, each with its words.
    helpers: Vec<(String, Child)>,
    /// `None`: the harness's own network.
    namespace: Option<Namespace>,
    life: Option<Child>,
}

impl Local {
    /// A home with the folder `dir`, where the node's files are.
    ///
    /// # Errors
    /// Its file of hosts can't be written.
    pub fn new(
        spawner: Arc<Spawner>,
        node: &Node,
        program: &Program,
        setting: Setting,
        dir: &Path,
        namespace: Option<Namespace>,
    ) -> io::Result<Self> {
        let hosts = program.hosts(node, dir, setting);
        let hosts = match hosts.is_empty() {
            true => None,
            false => {
                let lines: String = hosts.iter().map(|(name, ip)| format!("{ip} {name}\n")).collect();
                let path = dir.join("hosts");
                fs::write(&path, format!("127.0.0.1 localhost\n{lines}"))?;
                Some(path)
            }
        };
        Ok(Self {
            spawner,
            node: node.clone(),
            program: program.clone(),
            setting,
            dir: dir.to_owned(),
            hosts,
            helpers: Vec::new(),
            namespace,
            life: None,
        })
    }

    fn start_helpers(&mut self) -> io::Result<()> {
        for (n, mut command) in self.program.helpers(&self.node, &self.dir, self.setting).into_iter().enumerate() {
            let said = File::create(self.dir.join(format!("helper-{n}")))?;
            command.stdout(said.try_clone()?).stderr(said);
            let words = command.get_program().display().to_string();
            let child = self
                .spawner
                .spawn(self.namespace.as_ref(), self.hosts.as_deref(), command)
                .map_err(|error| io::Error::new(error.kind(), format!("its helper {words}: {error}")))?;
            self.helpers.push((words, child));
        }
        Ok(())
    }

    fn end_helpers(&mut self) {
        for (_, mut child) in self.helpers.drain(..) {
            // An error means that it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Where the stream goes that is not the log.
    fn errors(&self) -> PathBuf {
        self.dir.join("stderr")
    }

    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.life {
            // An error means that it has ended already.
            let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
        }
    }
}

impl Home for Local {
    fn start(&mut self) -> io::Result<Box<dyn Read + Send>> {
        if self.helpers.is_empty() {
            self.start_helpers()?;
        }
        let mut command = self.program.run(&self.node, &self.dir, self.setting);
        let errors = File::options().create(true).append(true).open(self.errors())?;
        match self.program.log() {
            Stream::Stdout => command.stdout(Stdio::piped()).stderr(errors),
            Stream::Stderr => command.stdout(errors).stderr(Stdio::piped()),
        };
        let mut child = self.spawner.spawn(self.namespace.as_ref(), self.hosts.as_deref(), command)?;
        let log: Option<Box<dyn Read + Send>> = match self.program.log() {
            Stream::Stdout => child.stdout.take().map(|log| Box::new(log) as _),
            Stream::Stderr => child.stderr.take().map(|log| Box::new(log) as _),
        };
        self.life = Some(child);
        log.ok_or_else(|| io::Error::other("the log that was asked for is not there"))
    }

    fn get_ready(&mut self) {}

    fn wait_until_at_hand(&mut self) {}

    fn kill(&mut self) {
        if let Some(mut child) = self.life.take() {
            // An error means that it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn terminate(&mut self) {
        self.signal(Signal::SIGTERM);
    }

    fn ended(&mut self) -> Option<String> {
        let status = self.life.as_mut()?.try_wait().ok()??;
        let errors = fs::read_to_string(self.errors()).unwrap_or_default();
        let last = errors.trim_end().lines().next_back().unwrap_or("nothing on its standard error");
        Some(format!("{status}, {last}"))
    }

    fn pause(&mut self) {
        self.signal(Signal::SIGSTOP);
    }

    fn resume(&mut self) {
        self.signal(Signal::SIGCONT);
    }

    /// By its state, `T` where stopped (proc(5)).
    fn is_paused(&self) -> bool {
        let Some(child) = &self.life else { return false };
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    fn listens(&self, at: SocketAddrV4) -> bool {
        self.life.as_ref().is_some_and(|child| listening(format!("/proc/{}/net", child.id()).as_ref(), at))
    }

    fn memory(&self) -> Option<[f64; 2]> {
        memory_of(self.life.as_ref()?.id())
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let path = self.dir.join(file);
        fs::create_dir_all(path.parent().unwrap_or(&self.dir))?;
        let new = path.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(new, path)
    }

    fn rebuild(&mut self) -> io::Result<Option<Tun>> {
        let ip: Ipv4Addr = self.node.ip;
        let (namespace, tun) = Namespace::new(&[ip])?;
        self.end_helpers();
        self.namespace = Some(namespace);
        Ok(Some(tun))
    }

    fn fetch(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn failed_helper(&mut self) -> Option<(String, String)> {
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
}

impl Drop for Local {
    fn drop(&mut self) {
        self.kill();
        self.end_helpers();
    }
}
