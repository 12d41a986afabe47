//! A node in a container, in the network of its sandbox, with its data in a volume.
use std::fs;
use std::io::{self, Read};
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use agent::{Order, Talk, Tun};
use bollard::container::LogOutput;
use bollard::models::{
    ContainerCreateBody, HealthConfig, HostConfig, HostConfigLogConfig, Mount, MountType, MountVolumeOptions,
};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc::{Receiver, channel};

use super::engine::{Engine, EngineError, Output};
use super::image::AGENT;
use super::label::Run;
use super::sandbox::{MEETING, PATIENCE, Sandbox, meet, meeting};
use crate::subject::home::{Home, memory_of};
use crate::subject::profile::Stream;

/// Parts of a log that wait to be read; who writes more waits.
const WAITING: usize = 64;
/// Bytes of what a node wrote last to the stream that is not its log.
const LAST_WORDS: usize = 4096;

/// What a node is made of.
#[derive(Debug)]
pub struct Recipe<'a> {
    /// The image.
    pub image: &'a str,
    /// The program, its words, its variables and its folder; a program without a name: the image's own.
    pub command: &'a Command,
    /// The folder with its data.
    pub data: &'a str,
    /// Further folders that it writes to.
    pub volumes: &'a [String],
    /// Which stream is its log.
    pub log: Stream,
    /// Whether it is known to keep to its folder, to need no rights, and to have the agent beside it.
    pub ours: bool,
    /// Whether the harness knows what its data mean.
    pub known: bool,
}

/// See the module. Its containers are there until its run is swept up.
pub struct Pod {
    engine: Arc<Engine>,
    sandbox: Sandbox,
    id: String,
    data: String,
    /// The harness's copy of its folder.
    dir: PathBuf,
    log: Stream,
    known: bool,
    /// Where a container waits that is started but is to become the node later.
    gate: Option<Arc<Talk>>,
    next: Option<JoinHandle<io::Result<Begun>>>,
    /// While it was started and not killed: whether all that it wrote was read.
    life: Option<Arc<AtomicBool>>,
    pid: Option<u32>,
    last_words: Arc<Mutex<Vec<u8>>>,
}

impl Pod {
    /// A node with the files that are in `dir`, not started.
    ///
    /// # Errors
    /// The engine's.
    pub fn new(
        engine: &Arc<Engine>,
        run: &Run,
        name: &str,
        sandbox: Sandbox,
        recipe: &Recipe<'_>,
        dir: &Path,
    ) -> Result<Self, EngineError> {
        let failed = |error: io::Error| EngineError::Refused {
            what: format!("make the container of {name}"),
            why: error.to_string(),
            help: "",
        };
        let volume = run.name(&format!("data-{name}"));
        engine.create_volume(&volume, run.labels())?;
        let text = |word: &std::ffi::OsStr| word.to_string_lossy().into_owned();
        let program = text(recipe.command.get_program());
        let variables = recipe.command.get_envs();
        let variables = variables.filter_map(|(name, value)| Some(format!("{}={}", text(name), text(value?))));
        let mut mounts = vec![Mount {
            typ: Some(MountType::VOLUME),
            source: Some(volume),
            target: Some(recipe.data.to_owned()),
            ..Mount::default()
        }];
        mounts.extend(recipe.volumes.iter().map(|target| Mount {
            typ: Some(MountType::VOLUME),
            target: Some(target.clone()),
            volume_options: Some(MountVolumeOptions {
                labels: Some(run.labels().into()),
                ..MountVolumeOptions::default()
            }),
            ..Mount::default()
        }));
        let mut entrypoint: Vec<String> = Some(program).filter(|program| !program.is_empty()).into_iter().collect();
        let mut gate = None;
        if recipe.ours {
            gate = Some(Arc::new(meet(sandbox.dir(), "gate").map_err(failed)?));
            mounts.push(meeting(sandbox.dir()));
            entrypoint.splice(0..0, [AGENT.to_owned(), format!("{MEETING}/gate")]);
        }
        let body = ContainerCreateBody {
            image: Some(recipe.image.to_owned()),
            entrypoint: (!entrypoint.is_empty()).then_some(entrypoint),
            cmd: Some(recipe.command.get_args().map(text).collect()),
            healthcheck: Some(unasked()),
            env: Some(variables.collect()),
            working_dir: recipe.command.get_current_dir().map(|dir| dir.display().to_string()),
            labels: Some(run.labels().into()),
            host_config: Some(HostConfig {
                network_mode: Some(format!("container:{}", sandbox.id())),
                mounts: Some(mounts),
                readonly_rootfs: recipe.ours.then_some(true),
                cap_drop: recipe.ours.then(|| vec!["ALL".into()]),
                security_opt: recipe.ours.then(|| vec!["no-new-privileges".into()]),
                log_config: Some(log_config()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let id = engine.create(&run.name(&format!("node-{name}")), body)?;
        let mut pod = Self {
            engine: engine.clone(),
            sandbox,
            id,
            data: recipe.data.to_owned(),
            dir: dir.to_owned(),
            log: recipe.log,
            known: recipe.known,
            gate,
            next: None,
            life: None,
            pid: None,
            last_words: Arc::default(),
        };
        let archive = archive(|to| add_all(to, Path::new("."), dir)).map_err(failed)?;
        engine.upload(&pod.id, &pod.data, archive)?;
        pod.get_ready();
        Ok(pod)
    }

    /// Starts the container, while others do something else.
    fn begin(&mut self) -> io::Result<()> {
        let (engine, id, gate) = (self.engine.clone(), self.id.clone(), self.gate.clone());
        let begin = move || Begun::new(&engine, &id, gate.as_deref());
        self.next = Some(thread::Builder::new().name("begin".into()).spawn(begin)?);
        Ok(())
    }

    /// Ends it. Errors mean that it has ended already.
    fn end(&self) {
        let _ = self.engine.signal(&self.id, "KILL");
        let _ = self.engine.ended(&self.id);
    }
}

/// A container that is started.
struct Begun {
    output: Output,
    /// Who waits for the word.
    held: Option<Talk>,
    /// See [`State::pid`](super::engine::State).
    pid: Option<u32>,
}

impl Begun {
    fn new(engine: &Engine, id: &str, gate: Option<&Talk>) -> io::Result<Self> {
        let output = engine.attach(id).map_err(io::Error::other)?;
        engine.start(id).map_err(io::Error::other)?;
        let held = gate.map(|gate| gate.accept(PATIENCE)).transpose()?;
        let pid = engine.state(id).map_err(io::Error::other)?.pid;
        Ok(Self { output, held, pid })
    }
}

/// A tar archive.
fn archive(fill: impl FnOnce(&mut tar::Builder<Vec<u8>>) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let mut to = tar::Builder::new(Vec::new());
    fill(&mut to)?;
    to.into_inner()
}

/// Adds a file, or a folder where there are no bytes, that anybody may read and write: who the node runs as is its image's business.
fn add(to: &mut tar::Builder<Vec<u8>>, name: &Path, bytes: Option<&[u8]>) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    let bytes = match bytes {
        Some(bytes) => {
            header.set_mode(0o666);
            bytes
        }
        None => {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o777);
            &[]
        }
    };
    header.set_size(bytes.len() as u64);
    to.append_data(&mut header, name, bytes)
}

/// Adds a folder with all that is in it.
fn add_all(to: &mut tar::Builder<Vec<u8>>, name: &Path, dir: &Path) -> io::Result<()> {
    add(to, name, None)?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = name.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => add_all(to, &name, &entry.path())?,
            false => add(to, &name, Some(&fs::read(entry.path())?))?,
        }
    }
    Ok(())
}

/// Nobody asks for a container's health here.
pub(super) fn unasked() -> HealthConfig {
    HealthConfig { test: Some(vec!["NONE".into()]), ..HealthConfig::default() }
}

/// Little of a log stays with the engine: the harness reads it all.
pub(super) fn log_config() -> HostConfigLogConfig {
    let config = [("max-size", "10m"), ("max-file", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    HostConfigLogConfig { typ: Some("local".into()), config: Some(config.into()) }
}

impl Home for Pod {
    fn start(&mut self) -> io::Result<Box<dyn Read + Send>> {
        if self.next.is_none() {
            self.begin()?;
        }
        let begun =
            self.next.take().map(|next| next.join().unwrap_or_else(|_| Err(io::Error::other("a thread panicked"))));
        let Begun { output, held, pid } = begun.ok_or_else(|| io::Error::other("nothing was begun"))??;
        let (to, log) = channel(WAITING);
        let all_read = Arc::new(AtomicBool::new(false));
        self.engine.spawn(follow(output, self.log, to, self.last_words.clone(), all_read.clone()));
        held.map_or(Ok(()), |held| held.release())?;
        (self.life, self.pid) = (Some(all_read), pid);
        Ok(Box::new(Log { parts: log, part: Bytes::new() }))
    }

    fn get_ready(&mut self) {
        if self.gate.is_some() && self.next.is_none() {
            // What goes wrong is told when it starts.
            let _ = self.begin();
        }
    }

    fn wait_until_at_hand(&mut self) {
        while self.next.as_ref().is_some_and(|next| !next.is_finished()) {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn kill(&mut self) {
        if self.life.take().is_some() {
            // An error means that it has ended already.
            self.end();
        }
    }

    fn terminate(&mut self) {
        // An error means that it has ended already.
        let _ = self.engine.signal(&self.id, "TERM");
    }

    fn ended(&mut self) -> Option<String> {
        // The engine is asked only then: there are many nodes, and they are looked at often.
        let all_read = self.life.as_ref()?.load(Ordering::Relaxed);
        let state = all_read.then(|| self.engine.state(&self.id));
        let how = match state? {
            Ok(state) if state.running => return None,
            Ok(state) if state.out_of_memory => "out of memory".to_owned(),
            Ok(state) if !state.error.is_empty() => state.error,
            Ok(state) => format!("exit status: {}", state.exit_code),
            Err(error) => error.to_string(),
        };
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        let words = String::from_utf8_lossy(&words);
        let last = words.trim_end().lines().next_back().unwrap_or("nothing on its standard error");
        Some(format!("{how}, {last}"))
    }

    fn pause(&mut self) {
        // An error means that it is paused, or has ended already.
        let _ = self.engine.pause(&self.id, true);
    }

    fn resume(&mut self) {
        let _ = self.engine.pause(&self.id, false);
    }

    fn is_paused(&self) -> bool {
        self.engine.state(&self.id).is_ok_and(|state| state.paused)
    }

    fn listens(&self, at: SocketAddrV4) -> bool {
        self.sandbox.talk().ask(&Order::Listening(at)).is_ok()
    }

    fn memory(&self) -> Option<[f64; 2]> {
        // The engine itself takes a second to tell. Where the harness counts processes differently it is somebody else's.
        let pid = self.pid?;
        let ours = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?.contains(&self.id);
        ours.then(|| memory_of(pid)).flatten()
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let archive = archive(|to| add(to, Path::new(file), Some(text.as_bytes())))?;
        self.engine.upload(&self.id, &self.data, archive).map_err(io::Error::other)
    }

    fn rebuild(&mut self) -> io::Result<Option<Tun>> {
        // What waits is in the old network.
        if let Some(next) = self.next.take() {
            let _ = next.join();
            self.end();
        }
        let tun = self.sandbox.rebuild()?;
        self.begin()?;
        Ok(Some(tun))
    }

    fn fetch(&mut self) -> io::Result<()> {
        if !self.known {
            return Ok(());
        }
        let archive = self.engine.download(&self.id, &format!("{}/.", self.data)).map_err(io::Error::other)?;
        fs::remove_dir_all(&self.dir)?;
        fs::create_dir(&self.dir)?;
        tar::Archive::new(&archive[..]).unpack(&self.dir)
    }

    fn failed_helper(&mut self) -> Option<(String, String)> {
        None
    }
}

/// Hands over a log as it comes, and keeps the end of the other stream.
async fn follow(
    mut output: Output,
    log: Stream,
    to: tokio::sync::mpsc::Sender<Bytes>,
    last_words: Arc<Mutex<Vec<u8>>>,
    all_read: Arc<AtomicBool>,
) {
    while let Some(Ok(part)) = output.next().await {
        let stream = if matches!(part, LogOutput::StdErr { .. }) { Stream::Stderr } else { Stream::Stdout };
        let bytes = part.into_bytes();
        if stream == log {
            // Nobody reads any more: the node goes on nevertheless.
            let _ = to.send(bytes).await;
        } else {
            let mut words = last_words.lock().unwrap_or_else(PoisonError::into_inner);
            words.extend_from_slice(&bytes);
            let too_many = words.len().saturating_sub(LAST_WORDS);
            words.drain(..too_many);
        }
    }
    all_read.store(true, Ordering::Relaxed);
}

/// A log, in the parts in which it comes.
struct Log {
    parts: Receiver<Bytes>,
    part: Bytes,
}

impl Read for Log {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() {
            match self.parts.blocking_recv() {
                Some(part) => self.part = part,
                None => return Ok(0),
            }
        }
        let taken = self.part.split_to(self.part.len().min(room.len()));
        room[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}
