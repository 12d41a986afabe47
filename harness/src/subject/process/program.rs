//! What runs as a node: the reference node, or somebody else's program by its profile.
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::Timestamp;
use node::runtime::{Clock, SystemClock};

use super::{HTTP_PORT, ProcessError, Wanted, log_line};
use crate::history::What;
use crate::peer::{Chains, PORT};
use crate::scenario::Scenario;
use crate::scenario::resolved::Node;
use crate::subject::node_config::{config_text, whitelisted};
use crate::subject::profile::{Profile, Ready, Stream};
use crate::subject::template::{DATE, Values};

/// The file of the reference node's folder that sets its clock.
const CLOCK: &str = "clock";

/// What a node is told of its time.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Divides every interval, timeout and back-off (D-29).
    pub time_scale: u32,
    /// How far its clock is to be ahead of the machine's, in milliseconds; negative: behind.
    pub ahead_ms: i64,
}

/// A program.
#[derive(Debug, Clone)]
pub enum Program {
    /// The reference node's: its configuration, its store and its log are known.
    Reference(PathBuf),
    /// Another one: its words, and what its profile says of it.
    Profiled(Vec<String>, Arc<Profile>),
}

impl Program {
    /// Writes what `node` needs into its folder, `dir` for the harness and `seen` for the node.
    ///
    /// # Errors
    /// The file system's.
    pub fn prepare(
        &self,
        scenario: &Scenario,
        node: &Node,
        chains: &Chains,
        (dir, seen): (&Path, &Path),
        setting: Setting,
    ) -> Result<(), ProcessError> {
        match self {
            Self::Reference(_) => {
                let own = [
                    ("store", "path", "\"data\"".to_owned()),
                    ("http", "listen", format!("\"{}:{HTTP_PORT}\"", node.ip)),
                    ("log", "format", "\"json\"".to_owned()),
                    ("log", "level", "\"info,node=debug\"".to_owned()),
                    ("test", "time_scale", setting.time_scale.to_string()),
                    ("test", "clock_file", format!("\"{CLOCK}\"")),
                ];
                let text = config_text(scenario, node, chains, &own);
                let path = dir.join("config.toml");
                fs::write(&path, text).to(format!("write {}", path.display()))
            }
            Self::Profiled(_, profile) => {
                for (name, content) in profile.files(&values(node, seen, profile.port, setting)) {
                    let path = dir.join(name);
                    let folder = path.parent().unwrap_or(dir);
                    fs::create_dir_all(folder).to(format!("make {}", folder.display()))?;
                    fs::write(&path, content).to(format!("write {}", path.display()))?;
                }
                Ok(())
            }
        }
    }

    /// Starts `node` in its folder.
    pub fn run(&self, node: &Node, dir: &Path, setting: Setting) -> Command {
        match self {
            Self::Reference(path) => reference(path, dir, &["run"]),
            Self::Profiled(words, profile) => {
                let values = values(node, dir, profile.port, setting);
                let mut command = Command::new(words.first().map_or("", String::as_str));
                command.args(words.iter().skip(1)).args(profile.arguments(&values));
                command.envs(profile.environment(&values)).current_dir(dir).stdin(Stdio::null());
                command
            }
        }
    }

    /// What runs beside `node`, in the same folder.
    pub fn helpers(&self, node: &Node, dir: &Path, setting: Setting) -> Vec<Command> {
        let Self::Profiled(_, profile) = self else { return Vec::new() };
        let values = values(node, dir, profile.port, setting);
        let command = |words: Vec<String>| {
            let mut command = Command::new(words.first().map_or("", String::as_str));
            command.args(words.iter().skip(1)).current_dir(dir).stdin(Stdio::null());
            command
        };
        profile.helpers(&values).map(command).collect()
    }

    /// Whether anything runs beside it.
    pub fn has_helpers(&self) -> bool {
        matches!(self, Self::Profiled(_, profile) if profile.has_helpers())
    }

    /// Names that its machine resolves, and their addresses, beside the machine's own.
    pub fn hosts(&self, node: &Node, dir: &Path, setting: Setting) -> Vec<(String, String)> {
        let Self::Profiled(_, profile) = self else { return Vec::new() };
        let values = values(node, dir, profile.port, setting);
        profile.hosts(&values).map(|(name, ip)| (name.clone(), ip)).collect()
    }

    /// Further folders that it writes to, as a container.
    pub fn volumes(&self) -> &[String] {
        match self {
            Self::Reference(_) => &[],
            Self::Profiled(_, profile) => &profile.image.volumes,
        }
    }

    /// Whether it resolves names of its own.
    pub fn names_hosts(&self) -> bool {
        matches!(self, Self::Profiled(_, profile) if profile.names_hosts())
    }

    /// Where it and its peers listen.
    pub fn port(&self) -> u16 {
        match self {
            Self::Reference(_) => PORT,
            Self::Profiled(_, profile) => profile.port,
        }
    }

    /// How it tells that it is ready; `None`: it need not.
    pub fn ready(&self) -> Option<&Ready> {
        match self {
            Self::Reference(_) => None,
            Self::Profiled(_, profile) => profile.ready.as_ref(),
        }
    }

    /// Whether its clock is set to what fits the chains.
    pub fn sets_clock(&self) -> bool {
        matches!(self, Self::Profiled(_, profile) if profile.fits_chain)
    }

    /// The file of its folder that sets its clock; `None`: nothing does.
    pub fn clock_file(&self) -> Option<&str> {
        match self {
            Self::Reference(_) => Some(CLOCK),
            Self::Profiled(_, profile) => profile.clock.as_deref(),
        }
    }

    /// Which stream is its log.
    pub fn log(&self) -> Stream {
        match self {
            Self::Reference(_) => Stream::Stdout,
            Self::Profiled(_, profile) => profile.log.unwrap_or_default(),
        }
    }

    /// Whether it has one.
    pub fn logs(&self) -> bool {
        match self {
            Self::Reference(_) => true,
            Self::Profiled(_, profile) => profile.log.is_some(),
        }
    }

    /// What a line of its log says.
    pub fn read(&self, line: &str, time_scale: u32) -> What {
        match self {
            Self::Reference(_) => log_line::read(line, time_scale),
            Self::Profiled(_, profile) if profile.json() => profile.read(log_line::read(line, time_scale)),
            Self::Profiled(_, profile) => profile.read(log_line::text(line)),
        }
    }

    /// When a line of its log was written, by the machine's clock; `None`: its clock may be another.
    pub fn written(&self, line: &str) -> Option<Timestamp> {
        match self {
            Self::Reference(_) => log_line::written(line),
            Self::Profiled(..) => None,
        }
    }

    /// Port and path of its metrics.
    pub fn metrics(&self) -> Option<(u16, String)> {
        match self {
            Self::Reference(_) => Some((HTTP_PORT, "/metrics".to_owned())),
            Self::Profiled(_, profile) => profile.metrics.clone(),
        }
    }

    /// What `scenario` asks of a node that this one has no setting for.
    pub fn lacks(&self, scenario: &Scenario, time_scale: u32) -> Vec<String> {
        let Self::Profiled(_, profile) = self else { return Vec::new() };
        let sections = profile.sections();
        let mut lacks = Vec::new();
        if time_scale != 1 && !profile.mentions("time_scale") {
            lacks.push("another time scale: the profile has no {{time_scale}}".to_owned());
        }
        for node in scenario.nodes.values() {
            for section in node.config.keys().filter(|section| !sections.contains(section.as_str())) {
                lacks.push(format!("settings of `{section}`: the profile has no {{{{settings.{section}}}}}"));
            }
            if !node.checkpoints.is_empty() {
                lacks.push("checkpoints: a profile has no place for them".to_owned());
            }
        }
        lacks
    }
}

/// A command of the reference node for a folder.
pub fn reference(program: &Path, dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).arg("--config").arg(dir.join("config.toml")).stdin(Stdio::null());
    command
}

fn values(node: &Node, dir: &Path, port: u16, setting: Setting) -> Values {
    let clock = Timestamp::from_millisecond(SystemClock.unix_ms().saturating_add(setting.ahead_ms)).unwrap_or_default();
    let own = std::env::current_exe().unwrap_or_default();
    Values {
        plain: [
            ("listen", format!("{}:{port}", node.ip)),
            ("ip", node.ip.to_string()),
            ("external_address", node.ip.to_string()),
            ("port", port.to_string()),
            ("clock", clock.as_second().to_string()),
            (DATE, clock.strftime("%Y-%m-%d %H:%M:%S").to_string()),
            ("time_scale", setting.time_scale.to_string()),
            ("lockstep", own.display().to_string()),
            ("dir", dir.display().to_string()),
            ("masternode", node.masternode.to_string()),
        ]
        .into(),
        lists: [
            ("whitelisted", whitelisted(node)),
            ("peers", node.dials.iter().map(Ipv4Addr::to_string).collect()),
            ("blacklisted", node.blacklists.iter().map(Ipv4Addr::to_string).collect()),
        ]
        .into(),
        settings: node.config.clone(),
    }
}
