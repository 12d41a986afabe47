//! A Docker Engine on this machine, asked by threads that wait for its answers.
use std::future::Future;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, ImageInspect, VolumeCreateRequest};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, BuildImageOptionsBuilder, CreateContainerOptionsBuilder,
    DownloadFromContainerOptionsBuilder, InspectContainerOptions, KillContainerOptionsBuilder,
    ListContainersOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder,
    StartContainerOptions, UploadToContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use bollard::{API_DEFAULT_VERSION, ClientVersion, Docker, body_full};
use futures_util::{Stream, StreamExt, TryStreamExt};
use tokio::runtime::{Builder, Runtime};

use super::label::{OWNER, RUN};
use crate::subject::owner::Owner;

/// Where an engine listens unless told otherwise.
const SOCKET: &str = "/var/run/docker.sock";
/// The oldest API that has all we use (Docker 19.03, of 2019).
const OLDEST: ClientVersion = ClientVersion { major_version: 1, minor_version: 40 };
/// An engine that hasn't answered for so long won't.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that are read from a container at once.
const LARGEST: usize = 1 << 30;

/// What goes wrong around containers, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no engine.
    #[error(
        "no Docker Engine answers at {path}: {source}\nstart it (`systemctl start docker`), or name its socket in DOCKER_HOST (unix:///path)"
    )]
    NoEngine {
        /// Its socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is one, for others.
    #[error(
        "the Docker Engine at {path} may not be used: permission denied\njoin the group that owns the socket (commonly `docker`), or use a rootless engine"
    )]
    NoPermission {
        /// Its socket.
        path: PathBuf,
    },
    /// It is elsewhere.
    #[error(
        "DOCKER_HOST is {0}, but the engine has to be on this machine and reached by its socket (unix:///path): pods pass descriptors over one"
    )]
    Elsewhere(String),
    /// It is too old.
    #[error("the Docker Engine speaks API {found}, but {oldest} is needed: update it to Docker 19.03 or later")]
    TooOld {
        /// What it speaks.
        found: String,
        /// What is needed.
        oldest: String,
    },
    /// It runs containers of another system.
    #[error("the Docker Engine runs containers of {0}, but Linux is needed")]
    NotLinux(String),
    /// There is no such image.
    #[error("there is no image `{image}` on this engine\n{help}")]
    NoImage {
        /// Its name.
        image: String,
        /// How to get it.
        help: &'static str,
    },
    /// It is not for this machine.
    #[error("the image `{image}` is for {platform}, but the engine runs {engine}")]
    OtherPlatform {
        /// Its name.
        image: String,
        /// What it is for.
        platform: String,
        /// What there is.
        engine: String,
    },
    /// The engine refused something, or failed.
    #[error("cannot {what}: {why}{help}")]
    Refused {
        /// What was wanted.
        what: String,
        /// What it says.
        why: String,
        /// What can be done, on a line of its own; or nothing.
        help: &'static str,
    },
}

/// See the module. It ends with its last user.
#[derive(Debug)]
pub struct Engine {
    docker: Docker,
    runtime: Runtime,
    described: String,
    platform: String,
}

/// What a container writes, and whether it is its standard error.
pub type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;

impl Engine {
    /// The engine of `DOCKER_HOST`, or of the usual socket. What dead processes left on it is removed.
    ///
    /// # Errors
    /// There is none that can be used.
    pub fn connect() -> Result<Self, EngineError> {
        Ok(Self::connect_and_sweep()?.0)
    }

    /// The same, and how much was removed.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_and_sweep() -> Result<(Self, usize), EngineError> {
        let engine = Self::at(&socket(std::env::var("DOCKER_HOST").ok().as_deref())?)?;
        let swept = engine.sweep(|owner| !owner.lives())?;
        Ok((engine, swept))
    }

    fn at(path: &Path) -> Result<Self, EngineError> {
        UnixStream::connect(path).map_err(|error| unreachable(path, error))?;
        let asked = |error: Error| refused("ask the engine for its version", &error);
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("engine").enable_all().build();
        let runtime = runtime.map_err(|error| refused("start threads", &error.into()))?;
        let (docker, version) = runtime.block_on(async {
            let docker =
                Docker::connect_with_unix(&path.display().to_string(), PATIENCE.as_secs(), API_DEFAULT_VERSION);
            let docker = docker.map_err(asked)?.negotiate_version().await.map_err(asked)?;
            let version = docker.version().await.map_err(asked)?;
            Ok((docker, version))
        })?;
        if docker.client_version() < OLDEST {
            let found = docker.client_version().to_string();
            return Err(EngineError::TooOld { found, oldest: OLDEST.to_string() });
        }
        let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".into());
        let (os, arch) = (or_unknown(version.os), or_unknown(version.arch));
        if os != "linux" {
            return Err(EngineError::NotLinux(os));
        }
        let described = format!("Docker Engine {}, API {}", or_unknown(version.version), docker.client_version());
        Ok(Self { docker, runtime, described, platform: format!("{os}/{arch}") })
    }

    /// Which one it is: `Docker Engine 20.10.24, API 1.41`.
    pub fn described(&self) -> &str {
        &self.described
    }

    fn wait<T>(
        &self,
        what: impl FnOnce() -> String,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, EngineError> {
        self.runtime.block_on(answer).map_err(|error| refused(what(), &error))
    }

    /// Lets a task of its own run.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// An image that can be run here.
    ///
    /// # Errors
    /// There is none of that name, or it is for other machines.
    pub fn image(&self, image: &str) -> Result<ImageInspect, EngineError> {
        let found = match self.runtime.block_on(self.docker.inspect_image(image)) {
            Ok(found) => found,
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => {
                let help = match image == super::IMAGE {
                    true => "`lockstep image build` makes it",
                    false => "load it (`docker load`, `docker build`, `docker pull`): Lockstep pulls nothing",
                };
                return Err(EngineError::NoImage { image: image.to_owned(), help });
            }
            Err(error) => return Err(refused(format!("look at the image `{image}`"), &error)),
        };
        let platform = [&found.os, &found.architecture].map(|part| part.clone().unwrap_or_default()).join("/");
        match platform == self.platform {
            true => Ok(found),
            false => {
                let (image, engine) = (image.to_owned(), self.platform.clone());
                Err(EngineError::OtherPlatform { image, platform, engine })
            }
        }
    }

    /// Builds an image of a context, by the classic builder; pulls nothing.
    pub(super) fn build(&self, image: &str, context: Vec<u8>) -> Result<(), EngineError> {
        let what = || format!("build the image `{image}`");
        let options = BuildImageOptionsBuilder::new().t(image).rm(true).forcerm(true).build();
        let building = self.docker.build_image(options, None, Some(body_full(context.into())));
        let steps = self.wait(what, building.try_collect::<Vec<_>>())?;
        match steps.into_iter().find_map(|step| step.error_detail) {
            None => Ok(()),
            Some(error) => Err(EngineError::Refused { what: what(), why: error.message.unwrap_or_default(), help: "" }),
        }
    }

    /// Makes a container; its id.
    pub(super) fn create(&self, name: &str, body: ContainerCreateBody) -> Result<String, EngineError> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let made =
            self.wait(|| format!("make the container {name}"), self.docker.create_container(Some(options), body))?;
        Ok(made.id)
    }

    /// Makes a volume.
    pub(super) fn create_volume(&self, name: &str, labels: [(String, String); 2]) -> Result<(), EngineError> {
        let volume =
            VolumeCreateRequest { name: Some(name.to_owned()), labels: Some(labels.into()), ..Default::default() };
        self.wait(|| format!("make the volume {name}"), self.docker.create_volume(volume))?;
        Ok(())
    }

    /// Starts a container.
    pub(super) fn start(&self, id: &str) -> Result<(), EngineError> {
        let options: Option<StartContainerOptions> = None;
        self.wait(|| "start a container".into(), self.docker.start_container(id, options))
    }

    /// What a container that isn't started yet will write.
    pub(super) fn attach(&self, id: &str) -> Result<Output, EngineError> {
        let options = AttachContainerOptionsBuilder::new().stream(true).stdout(true).stderr(true).build();
        let attached =
            self.wait(|| "read a container's log".into(), self.docker.attach_container(id, Some(options)))?;
        Ok(attached.output)
    }

    /// Sends a signal.
    pub(super) fn signal(&self, id: &str, signal: &str) -> Result<(), EngineError> {
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        self.wait(|| format!("send {signal} to a container"), self.docker.kill_container(id, Some(options)))
    }

    /// Waits until a container has ended.
    pub(super) fn ended(&self, id: &str) -> Result<(), EngineError> {
        let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
        let end = async {
            match self.docker.wait_container(id, Some(options)).next().await {
                // It ended with another status than 0.
                None | Some(Ok(_) | Err(Error::DockerContainerWaitError { .. })) => Ok(()),
                Some(Err(error)) => Err(error),
            }
        };
        self.wait(|| "wait for a container's end".into(), end)
    }

    /// Stops all its processes where they are, or lets them go on.
    pub(super) fn pause(&self, id: &str, paused: bool) -> Result<(), EngineError> {
        match paused {
            true => self.wait(|| "pause a container".into(), self.docker.pause_container(id)),
            false => self.wait(|| "resume a container".into(), self.docker.unpause_container(id)),
        }
    }

    /// What a container does.
    pub(super) fn state(&self, id: &str) -> Result<State, EngineError> {
        let options: Option<InspectContainerOptions> = None;
        let found = self.wait(|| "look at a container".into(), self.docker.inspect_container(id, options))?;
        let state = found.state.unwrap_or_default();
        Ok(State {
            running: state.running.unwrap_or_default(),
            paused: state.paused.unwrap_or_default(),
            exit_code: state.exit_code.unwrap_or_default(),
            pid: state.pid.and_then(|pid| pid.try_into().ok()),
            out_of_memory: state.oom_killed.unwrap_or_default(),
            error: state.error.unwrap_or_default(),
        })
    }

    /// Unpacks a tar archive in a container's folder.
    pub(super) fn upload(&self, id: &str, folder: &str, archive: Vec<u8>) -> Result<(), EngineError> {
        let options = UploadToContainerOptionsBuilder::new().path(folder).build();
        let sent = self.docker.upload_to_container(id, Some(options), body_full(archive.into()));
        self.wait(|| format!("write to {folder} of a container"), sent)
    }

    /// A tar archive of a container's folder.
    pub(super) fn download(&self, id: &str, folder: &str) -> Result<Vec<u8>, EngineError> {
        let options = DownloadFromContainerOptionsBuilder::new().path(folder).build();
        let what = || format!("read {folder} of a container");
        let mut chunks = self.docker.download_from_container(id, Some(options)).boxed();
        let all = async {
            let mut archive = Vec::new();
            while let Some(chunk) = chunks.try_next().await? {
                archive.extend_from_slice(&chunk);
                if archive.len() > LARGEST {
                    return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than 1 GiB").into());
                }
            }
            Ok(archive)
        };
        self.wait(what, all)
    }

    /// Removes all containers and volumes that processes made of which `dead` says so; how many.
    ///
    /// # Errors
    /// What the engine refuses; the rest is removed nevertheless.
    pub fn sweep(&self, dead: impl Fn(Owner) -> bool) -> Result<usize, EngineError> {
        self.remove(OWNER, |owner| owner.is_some_and(&dead))
    }

    /// Removes what belongs to a run.
    pub(super) fn sweep_run(&self, run: &str) -> Result<usize, EngineError> {
        self.remove(&format!("{RUN}={run}"), |_| true)
    }

    fn remove(&self, label: &str, meant: impl Fn(Option<Owner>) -> bool) -> Result<usize, EngineError> {
        let filters = [("label", vec![label])].into();
        let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let owner = |label: Option<&String>| label.and_then(|label| label.parse().ok());
        let what = || "remove what is left of runs".to_owned();
        let sweep = async {
            let containers = self.docker.list_containers(Some(containers)).await?;
            let containers = containers
                .into_iter()
                .filter(|container| meant(owner(container.labels.as_ref().and_then(|labels| labels.get(OWNER)))));
            let remove = |id: String| async move {
                let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
                gone(self.docker.remove_container(&id, Some(options)).await)
            };
            let ids: Vec<String> = containers.filter_map(|container| container.id).collect();
            let removed: Vec<_> = futures_util::future::join_all(ids.into_iter().map(remove)).await;
            let volumes = self.docker.list_volumes(Some(volumes)).await?.volumes.unwrap_or_default();
            let volumes = volumes.into_iter().filter(|volume| meant(owner(volume.labels.get(OWNER))));
            let remove = |name: String| async move {
                let options = RemoveVolumeOptionsBuilder::new().force(true).build();
                gone(self.docker.remove_volume(&name, Some(options)).await)
            };
            let too: Vec<_> = futures_util::future::join_all(volumes.map(|volume| remove(volume.name))).await;
            let all = removed.len() + too.len();
            removed.into_iter().chain(too).collect::<Result<(), Error>>().map(|()| all)
        };
        self.wait(what, sweep)
    }
}

fn socket(host: Option<&str>) -> Result<PathBuf, EngineError> {
    match host.filter(|host| !host.is_empty()) {
        None => Ok(SOCKET.into()),
        Some(host) => {
            host.strip_prefix("unix://").map(PathBuf::from).ok_or_else(|| EngineError::Elsewhere(host.to_owned()))
        }
    }
}

fn unreachable(path: &Path, source: io::Error) -> EngineError {
    match source.kind() {
        io::ErrorKind::PermissionDenied => EngineError::NoPermission { path: path.to_owned() },
        _ => EngineError::NoEngine { path: path.to_owned(), source },
    }
}

/// Somebody else may have removed it, or be about to.
fn gone(removed: Result<(), Error>) -> Result<(), Error> {
    match removed {
        Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
        other => other,
    }
}

fn refused(what: impl Into<String>, error: &Error) -> EngineError {
    let why = match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::RequestTimeoutError => format!("the engine has not answered for {} s", PATIENCE.as_secs()),
        other => other.to_string(),
    };
    let help = match why.to_ascii_lowercase() {
        full if full.contains("no space left") => {
            "\nfree some space where the engine keeps its data (`docker system df`)"
        }
        tun if tun.contains("/dev/net/tun") => "\nthe machine has no TUN devices: `modprobe tun`",
        _ => "",
    };
    EngineError::Refused { what: what.into(), why, help }
}

/// What a container does.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub running: bool,
    pub paused: bool,
    pub exit_code: i64,
    /// Of its first process, as the machine counts them.
    pub pid: Option<u32>,
    pub out_of_memory: bool,
    /// Why it could not be started.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;
    use std::thread;

    use tempfile::TempDir;

    use super::*;

    /// Something that answers like an engine: by the end of a path, status and JSON.
    fn engine(answers: &'static [(&'static str, u16, &'static str)]) -> (TempDir, Result<Engine, EngineError>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                // Who only looks whether there is somebody asks nothing.
                let Some(request) = head.next() else { continue };
                let path = request.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
                let found = answers.iter().find(|(end, ..)| path.ends_with(end));
                let (_, status, body) = found.unwrap_or(&("", 404, r#"{"message":"no such thing"}"#));
                let length = body.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n");
                let _ = write!(stream, "{head}Connection: close\r\n\r\n{body}");
            }
        });
        let engine = Engine::at(&path);
        (dir, engine)
    }

    const LINUX: (&str, u16, &str) =
        ("/version", 200, r#"{"Version":"20.10.24","ApiVersion":"1.41","Os":"linux","Arch":"amd64"}"#);

    fn told(error: impl std::fmt::Display) -> String {
        error.to_string()
    }

    #[test]
    fn an_engine_that_can_not_be_used_says_what_to_do() {
        let nowhere = told(Engine::at(Path::new("/nowhere/docker.sock")).unwrap_err());
        assert!(nowhere.contains("/nowhere/docker.sock") && nowhere.contains("systemctl start docker"), "{nowhere}");
        let forbidden = told(unreachable(Path::new("/s"), io::ErrorKind::PermissionDenied.into()));
        assert!(forbidden.contains("join the group"), "{forbidden}");
        assert!(told(socket(Some("tcp://10.0.0.1:2375")).unwrap_err()).contains("has to be on this machine"));
        assert_eq!(socket(Some("unix:///run/d.sock")).unwrap(), Path::new("/run/d.sock"));
        assert_eq!(socket(Some("")).unwrap(), Path::new(SOCKET));
        let old = engine(&[("/version", 200, r#"{"Version":"17.3","ApiVersion":"1.27","Os":"linux","Arch":"amd64"}"#)]);
        assert!(told(old.1.unwrap_err()).contains("speaks API 1.27, but 1.40 is needed: update it"));
        let windows =
            engine(&[("/version", 200, r#"{"Version":"28","ApiVersion":"1.41","Os":"windows","Arch":"amd64"}"#)]);
        assert!(told(windows.1.unwrap_err()).contains("containers of windows, but Linux"));
        let junk = told(engine(&[("/version", 200, "<html>")]).1.unwrap_err());
        assert!(junk.starts_with("cannot ask the engine for its version: "), "{junk}");
    }

    #[test]
    fn what_an_engine_refuses_is_told_in_its_words_and_with_help() {
        let (_dir, engine) = engine(&[
            LINUX,
            ("/images/arm/json", 200, r#"{"Os":"linux","Architecture":"arm64"}"#),
            ("/images/good/json", 200, r#"{"Id":"sha256:5","Os":"linux","Architecture":"amd64"}"#),
            ("/containers/create", 500, r#"{"message":"mkdir /var/lib/docker/x: no space left on device"}"#),
            ("/start", 500, r#"{"message":"error gathering device information: \"/dev/net/tun\": no such file"}"#),
        ]);
        let engine = engine.unwrap();
        assert_eq!(engine.described(), "Docker Engine 20.10.24, API 1.41");
        let other = told(engine.image("arm").unwrap_err());
        assert_eq!(other, "the image `arm` is for linux/arm64, but the engine runs linux/amd64");
        assert!(told(engine.image("none").unwrap_err()).contains("no image `none`"));
        assert!(told(engine.image(super::super::IMAGE).unwrap_err()).contains("`lockstep image build` makes it"));
        assert_eq!(engine.image("good").unwrap().id.unwrap(), "sha256:5");
        let full = told(engine.create("a", ContainerCreateBody::default()).unwrap_err());
        assert!(full.starts_with("cannot make the container a: mkdir") && full.contains("docker system df"), "{full}");
        assert!(told(engine.start("a").unwrap_err()).contains("modprobe tun"));
    }
}
