//! All containers of one run.
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use agent::Tun;

use super::engine::{Engine, EngineError};
use super::label::Run;
use super::pod::{Pod, Recipe};
use super::sandbox::Sandbox;
use super::{IMAGE, Options};
use crate::subject::owner::Owner;

/// See the module. Dropping it removes them, and their volumes; where this process is killed, another one does.
#[derive(Debug)]
pub struct Fleet {
    engine: Arc<Engine>,
    run: Run,
}

impl Fleet {
    /// An empty one.
    ///
    /// # Errors
    /// An image is not there; the program that would clean up can't be started.
    pub fn new(options: &Options) -> Result<Self, EngineError> {
        options.engine.image(IMAGE)?;
        options.engine.image(&options.image)?;
        watched(&options.lockstep).map_err(|error| EngineError::Refused {
            what: format!("start {}", options.lockstep.display()),
            why: error.to_string(),
            help: "",
        })?;
        Ok(Self { engine: options.engine.clone(), run: Run::new() })
    }

    /// Who runs it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A network; see [`Sandbox::start`].
    ///
    /// # Errors
    /// The engine's, or the agent's.
    pub fn sandbox(
        &self,
        name: &str,
        ips: Vec<Ipv4Addr>,
        hosts: &[(String, String)],
        dir: &Path,
    ) -> Result<(Sandbox, Tun), EngineError> {
        Sandbox::start(&self.engine, &self.run, name, ips, hosts, dir)
    }

    /// A node; see [`Pod::new`].
    ///
    /// # Errors
    /// The engine's.
    pub fn pod(&self, name: &str, sandbox: Sandbox, recipe: &Recipe<'_>, dir: &Path) -> Result<Pod, EngineError> {
        Pod::new(&self.engine, &self.run, name, sandbox, recipe, dir)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // What is left is swept up at the next start.
        let _ = self.engine.sweep_run(self.run.as_str());
    }
}

/// Sees to it that somebody removes what this process makes if it can't itself: a process that reads a pipe whose other end closes with this
/// process, however it ends.
fn watched(lockstep: &Path) -> io::Result<()> {
    static WATCHER: Mutex<Option<Child>> = Mutex::new(None);
    let mut watcher = WATCHER.lock().unwrap_or_else(PoisonError::into_inner);
    if watcher.is_none() {
        let mut command = Command::new(lockstep);
        command.args(["clean", "--when-its-input-ends", "--owner", &Owner::this().to_string()]);
        *watcher = Some(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    }
    Ok(())
}
