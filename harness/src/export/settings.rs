//! The reference node's configuration in a container.
use super::image::{DATA, HTTP_PORT};

/// What every engine sets: section, key, value as TOML text.
pub fn settings() -> Vec<(&'static str, &'static str, String)> {
    vec![
        ("store", "path", format!("\"{DATA}/chain\"")),
        ("http", "listen", format!("\"0.0.0.0:{HTTP_PORT}\"")),
        ("log", "format", "\"json\"".to_owned()),
        ("log", "level", "\"info,node=debug\"".to_owned()),
    ]
}
