//! Where one node of a run lives.
use std::fs;
use std::io::{self, Read};
use std::net::SocketAddrV4;

use agent::Tun;

/// A node's home: its program, its data, its network. It is empty at first; each start is another life on the same data.
pub trait Home: Send {
    /// Starts the program: what comes is its log.
    ///
    /// # Errors
    /// It can't be started.
    fn start(&mut self) -> io::Result<Box<dyn Read + Send>>;

    /// Begins, while others do something else, what a start after the end of the life before needs.
    fn get_ready(&mut self);

    /// Waits until a start takes next to no time.
    fn wait_until_at_hand(&mut self);

    /// Ends the program at once, and waits until it has ended.
    fn kill(&mut self);

    /// Asks the program to end.
    fn terminate(&mut self);

    /// How the program ended, with its last words; `None` while it runs.
    fn ended(&mut self) -> Option<String>;

    /// Stops the program where it is.
    fn pause(&mut self);

    /// Lets it go on.
    fn resume(&mut self);

    /// Whether it is stopped.
    fn is_paused(&self) -> bool;

    /// Whether somebody in its network listens there, at that address or at all.
    fn listens(&self, at: SocketAddrV4) -> bool;

    /// Bytes of memory: resident now, and at most so far.
    fn memory(&self) -> Option<[f64; 2]>;

    /// Writes a file of the node's folder; who reads it may do so at any time and finds it whole.
    ///
    /// # Errors
    /// It can't be written.
    fn write(&self, file: &str, text: &str) -> io::Result<()>;

    /// Another machine with the same addresses and data: with its old kernel its connections are gone, and what ran beside the program. The
    /// packets of the new one, where the harness carries them.
    ///
    /// # Errors
    /// It can't be made.
    fn rebuild(&mut self) -> io::Result<Option<Tun>>;

    /// Brings what the program left in its folder to the harness's copy of it, where that is another one.
    ///
    /// # Errors
    /// It can't be read, or be written.
    fn fetch(&mut self) -> io::Result<()>;

    /// A program beside it that has failed: its words, and how.
    fn failed_helper(&mut self) -> Option<(String, String)>;
}

/// Bytes of memory of a process of this machine, resident now, and at most so far (proc(5), status).
pub fn memory_of(pid: u32) -> Option<[f64; 2]> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()? * 1024.0)
    };
    Some([value("VmRSS:")?, value("VmHWM:")?])
}
