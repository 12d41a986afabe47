//! What removes a process's containers after its death.
use std::io::{self, Read};
use std::thread;
use std::time::Duration;

use super::engine::{Engine, EngineError};
use crate::subject::owner::Owner;

/// What the dead process had asked for last may be made after it is gone.
const ONCE_MORE: Duration = Duration::from_millis(500);
/// So often nothing has to be found, and so often it is looked for at most: what another's container uses can't be removed.
const QUIET: u32 = 4;
const LOOKS: u32 = 240;

/// Waits until `input` ends, and removes what `owner` made, until nothing more comes; how much that was.
///
/// # Errors
/// The engine's.
pub fn reap(mut input: impl Read, owner: Owner) -> Result<usize, EngineError> {
    // Of a session of its own: no terminal's end reaches it. An error means that it leads one already.
    let _ = nix::unistd::setsid();
    let _ = io::copy(&mut input, &mut io::sink());
    let engine = Engine::connect()?;
    let (mut removed, mut quiet) = (0, 0);
    for _ in 0..LOOKS {
        let found = engine.sweep(|of| of == owner)?;
        removed += found;
        quiet = if found == 0 { quiet + 1 } else { 0 };
        if quiet == QUIET {
            break;
        }
        thread::sleep(ONCE_MORE);
    }
    Ok(removed)
}
