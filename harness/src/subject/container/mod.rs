//! Subjects as containers of a Docker Engine on this machine, joined by the harness's packet link. Nothing but the engine's socket is needed:
//! a small agent in each pod makes what needs rights.
mod engine;
mod fleet;
mod image;
mod label;
mod pod;
mod reaper;
mod sandbox;

pub use engine::{Engine, EngineError};
pub use fleet::Fleet;
pub use image::{Built, DATA, IMAGE, NODE, build};
pub use pod::{Pod, Recipe};
pub use reaper::reap;
pub use sandbox::Sandbox;

pub use super::owner::Owner;

use std::path::PathBuf;
use std::sync::Arc;

/// How containers are run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who runs them.
    pub engine: Arc<Engine>,
    /// What the nodes are made of; pods are always made of [`IMAGE`].
    pub image: String,
    /// Lockstep's own program, which removes what is left where this process is killed.
    pub lockstep: PathBuf,
}
