//! What the nodes of a run stand on: this machine, or the containers of an engine.
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agent::Tun;

use super::local::Local;
use super::namespace::Namespace;
use super::origin::Origin;
use super::privilege::Ability;
use super::program::{Program, Setting};
use super::spawner::Spawner;
use super::{ProcessError, Wanted};
use crate::scenario::resolved::Node;
use crate::subject::container::{DATA, Fleet, IMAGE, NODE, Recipe};
use crate::subject::home::Home;

/// The harness's own network; those of nodes are called otherwise, and so are their folders.
const OWN: &str = "harness";

/// One of two.
pub enum Ground {
    /// Processes, each in a namespace of its own where that is possible.
    Machine {
        /// Who starts them.
        spawner: Arc<Spawner>,
        /// Whether it is possible.
        namespaces: bool,
    },
    /// Containers.
    Engine {
        /// All of them.
        fleet: Fleet,
        /// What nodes are made of.
        image: String,
        /// Where the harness meets their agents.
        place: PathBuf,
    },
}

/// The devices by which packets come, and whose.
pub type Tuns = Vec<(Vec<Ipv4Addr>, Tun)>;

impl Ground {
    /// What `ability` gives; `place` is an empty folder.
    ///
    /// # Errors
    /// No thread, or an engine without what is needed.
    pub fn new(ability: &Ability, place: PathBuf) -> Result<Self, ProcessError> {
        let namespaces = match ability {
            Ability::Containers(options) => {
                return Ok(Self::Engine { fleet: Fleet::new(options)?, image: options.image.clone(), place });
            }
            Ability::Namespaces => true,
            Ability::Loopback(_) => false,
        };
        Ok(Self::Machine { spawner: Arc::new(Spawner::start().to("start a thread")?), namespaces })
    }

    /// Where a node finds what the harness has in `dir`.
    pub fn seen<'a>(&self, program: &'a Program, dir: &'a Path) -> &'a Path {
        match (self, program) {
            (Self::Machine { .. }, _) => dir,
            (Self::Engine { .. }, Program::Reference(_)) => Path::new(DATA),
            (Self::Engine { .. }, Program::Profiled(_, profile)) => Path::new(&profile.image.data),
        }
    }

    /// A home for `node`, whose files are in `dir`, and what comes out of its network, where the harness carries that.
    ///
    /// # Errors
    /// The system's or the engine's.
    pub fn home(
        &self,
        name: &str,
        node: &Node,
        program: &Program,
        setting: Setting,
        dir: &Path,
    ) -> Result<(Box<dyn Home>, Option<Tun>), ProcessError> {
        let ips = vec![node.ip];
        match self {
            Self::Machine { spawner, namespaces } => {
                let network = namespaces.then(|| Namespace::new(&ips)).transpose().to("make a network namespace")?;
                let (namespace, tun) = network.unzip();
                let local = Local::new(spawner.clone(), node, program, setting, dir, namespace);
                Ok((Box::new(local.to(format!("write to {}", dir.display()))?), tun))
            }
            Self::Engine { fleet, image, place } => {
                let seen = self.seen(program, dir);
                let hosts = program.hosts(node, seen, setting);
                let (sandbox, tun) = fleet.sandbox(&format!("net-{name}"), ips, &hosts, &place.join(name))?;
                let (ours, known) = (image == IMAGE, matches!(program, Program::Reference(_)));
                let inside = match program {
                    // Without a name: the image's entry point.
                    Program::Reference(_) => Program::Reference(if ours { NODE.into() } else { PathBuf::new() }),
                    profiled => profiled.clone(),
                };
                let mut command = inside.run(node, seen, setting);
                if let Program::Profiled(_, profile) = &inside {
                    command.envs(&profile.image.environment);
                }
                let recipe = Recipe {
                    image,
                    command: &command,
                    data: &seen.display().to_string(),
                    volumes: inside.volumes(),
                    log: program.log(),
                    ours: ours && known,
                    known,
                };
                Ok((Box::new(fleet.pod(name, sandbox, &recipe, dir)?), Some(tun)))
            }
        }
    }

    /// Which engine it is, where it is one.
    pub fn engine(&self) -> Option<&str> {
        match self {
            Self::Machine { .. } => None,
            Self::Engine { fleet, .. } => Some(fleet.engine().described()),
        }
    }

    /// Where the harness itself takes part, by these addresses; unless told otherwise it speaks from the first.
    ///
    /// # Errors
    /// The system's or the engine's.
    pub fn origin(&self, ips: Vec<Ipv4Addr>, tuns: &mut Tuns) -> Result<Origin, ProcessError> {
        Ok(match self {
            Self::Machine { namespaces: false, .. } => Origin::Machine,
            Self::Machine { namespaces: true, .. } => {
                let (namespace, tun) = Namespace::new(&ips).to("make a network namespace")?;
                tuns.push((ips, tun));
                Origin::Namespace(Arc::new(namespace))
            }
            Self::Engine { fleet, place, .. } => {
                let (sandbox, tun) = fleet.sandbox(OWN, ips.clone(), &[], &place.join(format!(".{OWN}")))?;
                tuns.push((ips, tun));
                Origin::Pod(sandbox.talk().clone())
            }
        })
    }
}
