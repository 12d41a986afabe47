//! A scenario as artefacts for engines on more than one machine: its reference nodes as containers, and of its faults those that the engine
//! can do. Nothing judges there: each export says what it leaves out and how to look at what came of it.
mod artefacts;
mod chain;
mod compose;
mod image;
mod kubernetes;
mod left_out;

pub use artefacts::{Artefacts, ExportError};
pub use compose::compose;
pub use image::{HARNESS as HARNESS_IMAGE, NODE as NODE_IMAGE};
pub use kubernetes::{Options as KubernetesOptions, Sharing, kubernetes};
