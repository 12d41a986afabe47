//! The image of the reference node, with the agent beside it.
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::engine::{Engine, EngineError};

/// Its name.
pub const IMAGE: &str = "lockstep/masternode:dev";
/// The folder of the node's data and configuration.
pub const DATA: &str = "/data";
/// The node's program.
pub const NODE: &str = "/masternode";
/// The agent's.
pub const AGENT: &str = "/lockstep-agent";

/// How it is built.
const DOCKERFILE: &str = include_str!("../../../../ci/Dockerfile");

/// An image that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Its name.
    pub image: String,
    /// Its id.
    pub id: String,
    /// Bytes.
    pub size: u64,
}

/// Builds [`IMAGE`] of two static programs.
///
/// # Errors
/// A program can't be read, or needs others; the engine's.
pub fn build(engine: &Engine, node: &Path, agent: &Path) -> Result<Built, EngineError> {
    let unpackable =
        |path: &Path, why: String| EngineError::Refused { what: format!("pack {}", path.display()), why, help: "" };
    let mut context = tar::Builder::new(Vec::new());
    let mut add = |name: &str, mode: u32, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(mode);
        context.append_data(&mut header, name, bytes)
    };
    let programs: [(&str, PathBuf); 2] = [(NODE, node.to_owned()), (AGENT, agent.to_owned())];
    for (name, path) in programs {
        let bytes = fs::read(&path).map_err(|error| unpackable(&path, error.to_string()))?;
        if needs_a_loader(&bytes) {
            let why = "it is linked to libraries that the image doesn't have; it has to be static (RUSTFLAGS=\"-C target-feature=+crt-static\", with a --target)";
            return Err(unpackable(&path, why.into()));
        }
        add(name.trim_start_matches('/'), 0o755, &bytes).map_err(|error| unpackable(&path, error.to_string()))?;
    }
    // The volume's folder has its owner from here.
    let finish = |add: &mut dyn FnMut(&str, u32, &[u8]) -> io::Result<()>| {
        add("data/.keep", 0o644, b"")?;
        add("Dockerfile", 0o644, DOCKERFILE.as_bytes())
    };
    finish(&mut add).map_err(|error| unpackable(Path::new("Dockerfile"), error.to_string()))?;
    let context = context.into_inner().map_err(|error| unpackable(Path::new("the context"), error.to_string()))?;
    engine.build(IMAGE, context)?;
    let found = engine.image(IMAGE)?;
    Ok(Built {
        image: IMAGE.to_owned(),
        id: found.id.unwrap_or_default(),
        size: found.size.unwrap_or_default().unsigned_abs(),
    })
}

/// Whether a program is for Linux on 64 bits and names an interpreter (elf(5), PT_INTERP), or is no program.
fn needs_a_loader(program: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let number = |at: usize, bytes: usize| {
        let bytes = program.get(at..at + bytes)?;
        Some(bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    };
    let headers = || {
        let (first, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        (0..count).map(|n| number(usize::try_from(first + n * size).ok()?, 4)).collect::<Option<Vec<_>>>()
    };
    !program.starts_with(b"\x7fELF\x02\x01") || headers().is_none_or(|kinds| kinds.contains(&u64::from(INTERPRETER)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_needs_libraries_is_known() {
        // Tests are linked dynamically.
        let this = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(needs_a_loader(&this) && needs_a_loader(b"#!/bin/sh") && needs_a_loader(&this[..60]));
        let headers = usize::from(this[56]);
        let mut without = this;
        let first = usize::try_from(u64::from_le_bytes(without[32..40].try_into().unwrap())).unwrap();
        for header in 0..headers {
            let kind = &mut without[first + header * 56];
            *kind = if *kind == 3 { 0 } else { *kind };
        }
        assert!(!needs_a_loader(&without));
    }
}
