//! What is known of container images, and what their configurations have in common.

pub(super) use crate::subject::container::{DATA, LOCKSTEP as HARNESS_PROGRAM, NODE as NODE_PROGRAM};
pub use crate::subject::container::{HARNESS, IMAGE as NODE};

/// One with a shell and `getent`, which looks up pods' addresses.
pub(super) const LOOK_UP: &str = "docker.io/library/debian:13-slim";
/// The node's configuration in a container.
pub(super) const CONFIG: &str = "/etc/lockstep/config.toml";
/// Who runs a container's program.
pub(super) const USER: u32 = 65_532;
/// Where the node answers HTTP.
pub(super) const HTTP_PORT: u16 = 9100;

/// What a node is set to in its container: section, key, value as TOML text.
pub(super) fn settings() -> Vec<(&'static str, &'static str, String)> {
    vec![
        ("store", "path", format!("\"{DATA}/chain\"")),
        ("http", "listen", format!("\"0.0.0.0:{HTTP_PORT}\"")),
        ("log", "format", "\"json\"".to_owned()),
        ("log", "level", "\"info,node=debug\"".to_owned()),
    ]
}
