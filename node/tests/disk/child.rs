//! Tests that need a process of their own: this one again, running one test that is ignored otherwise.
use std::process::{Command, Stdio};

/// This process, to run the ignored test `name` in the folder that it finds by [`folder`]. It survives a full disk's signal.
pub fn command(name: &str, folder: &std::path::Path) -> Command {
    let mut command = Command::new("sh");
    // SIGXFSZ ends a process that writes over its limit, unless it is ignored; a full disk sends none.
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]).env("DISK_TEST_FOLDER", folder).stdin(Stdio::null());
    command
}

/// The folder that a child works in.
pub fn folder() -> std::path::PathBuf {
    std::env::var_os("DISK_TEST_FOLDER").expect("run by another test").into()
}
