//! A network of its own for one node, or for the harness itself: a container that holds it, with an agent that makes its sockets.
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent::{Order, Talk, Tun};
use bollard::models::{ContainerCreateBody, DeviceMapping, HostConfig, Mount, MountType};

use super::engine::{Engine, EngineError};
use super::image::{AGENT, DATA, IMAGE};
use super::label::Run;
use super::pod::{log_config, unasked};

/// Where the agent finds the harness.
pub(super) const MEETING: &str = "/run/lockstep";
/// What an agent may take to come, and to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// Loss slows it down as it slowed the networks that the specification was written for; bbr would hide it.
const CONGESTION_CONTROL: &str = "reno";

/// See the module. It is there until its run is swept up.
#[derive(Debug)]
pub struct Sandbox {
    engine: Arc<Engine>,
    id: String,
    port: Talk,
    talk: Arc<Talk>,
    ips: Vec<Ipv4Addr>,
    dir: PathBuf,
}

impl Sandbox {
    /// A network with `ips` on its TUN device, and what comes out of it. Its machine resolves `hosts`, names and their addresses. In `dir` the two meet.
    ///
    /// # Errors
    /// The engine's; an agent that doesn't come.
    pub fn start(
        engine: &Arc<Engine>,
        run: &Run,
        name: &str,
        ips: Vec<Ipv4Addr>,
        hosts: &[(String, String)],
        dir: &Path,
    ) -> Result<(Self, Tun), EngineError> {
        let failed = |error: io::Error| EngineError::Refused {
            what: format!("reach the agent of {name}"),
            why: error.to_string(),
            help: "",
        };
        let place = || {
            fs::create_dir_all(dir)?;
            // The folder around it is the harness's alone; root of a container may be nobody here.
            fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
            meet(dir, "agent")
        };
        let port = place().map_err(failed)?;
        let mut sysctls = vec![("net.ipv4.tcp_congestion_control".to_owned(), CONGESTION_CONTROL.to_owned())];
        if Path::new("/proc/sys/net/ipv6").exists() {
            sysctls.push(("net.ipv6.conf.all.disable_ipv6".into(), "1".into()));
            sysctls.push(("net.ipv6.conf.default.disable_ipv6".into(), "1".into()));
        }
        let tun = DeviceMapping {
            path_on_host: Some(agent::PATH.into()),
            path_in_container: Some(agent::PATH.into()),
            cgroup_permissions: Some("rw".into()),
        };
        let body = ContainerCreateBody {
            image: Some(IMAGE.into()),
            entrypoint: Some(vec![AGENT.into()]),
            cmd: Some(vec![format!("{MEETING}/agent")]),
            healthcheck: Some(unasked()),
            user: Some("0:0".into()),
            labels: Some(run.labels().into()),
            host_config: Some(HostConfig {
                network_mode: Some("none".into()),
                cap_drop: Some(vec!["ALL".into()]),
                cap_add: Some(vec!["NET_ADMIN".into()]),
                security_opt: Some(vec!["no-new-privileges".into()]),
                readonly_rootfs: Some(true),
                devices: Some(vec![tun]),
                mounts: Some(vec![meeting(dir)]),
                // Else the image's volume, for nothing.
                tmpfs: Some([(DATA.to_owned(), String::new())].into()),
                sysctls: Some(sysctls.into_iter().collect()),
                extra_hosts: Some(hosts.iter().map(|(name, ip)| format!("{name}:{ip}")).collect()),
                log_config: Some(log_config()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let id = engine.create(&run.name(name), body)?;
        engine.start(&id)?;
        let talk = port.accept(PATIENCE).map_err(|error| {
            let state = engine.state(&id).unwrap_or_default();
            match state.running {
                true => failed(error),
                false => failed(io::Error::other(format!("it ended with status {}", state.exit_code))),
            }
        })?;
        let sandbox = Self { engine: engine.clone(), id, port, talk: Arc::new(talk), ips, dir: dir.to_owned() };
        let tun = sandbox.tun().map_err(failed)?;
        Ok((sandbox, tun))
    }

    fn tun(&self) -> io::Result<Tun> {
        let made = self.talk.ask(&Order::Tun(self.ips.clone()))?.descriptor;
        made.map(Tun::from).ok_or_else(|| io::Error::other("the agent made no device"))
    }

    /// Another network in its place, with the same addresses.
    ///
    /// # Errors
    /// The engine's, or the agent's.
    pub fn rebuild(&mut self) -> io::Result<Tun> {
        let rebuilt = self.engine.signal(&self.id, "KILL").and_then(|()| self.engine.ended(&self.id));
        rebuilt.and_then(|()| self.engine.start(&self.id)).map_err(io::Error::other)?;
        self.talk = Arc::new(self.port.accept(PATIENCE)?);
        self.tun()
    }

    /// Its container.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where the harness meets who is in it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Who makes sockets in it.
    pub fn talk(&self) -> &Arc<Talk> {
        &self.talk
    }
}

/// Where a container connects to the harness, from inside.
pub(super) fn meet(dir: &Path, name: &str) -> io::Result<Talk> {
    let path = dir.join(name);
    let port = Talk::listen(&path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o777))?;
    Ok(port)
}

/// The folder for that, as a container sees it.
pub(super) fn meeting(dir: &Path) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(dir.display().to_string()),
        target: Some(MEETING.into()),
        ..Mount::default()
    }
}
