//! Questions to the nodes' `/metrics`.
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::origin::Origin;
use super::watch::Watch;
use crate::history::What;
use crate::subject::exposition;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes of an answer.
const LONGEST: u64 = 1 << 20;

/// A thread that asks, so that a node that stands still holds up nobody.
pub struct Scraper {
    asks: Sender<(String, Vec<(String, SocketAddr)>)>,
    thread: JoinHandle<()>,
}

impl Scraper {
    /// Begins, from `origin`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(origin: Origin, watch: Watch) -> io::Result<Self> {
        let (asks, asked) = channel::<(String, Vec<(String, SocketAddr)>)>();
        let thread = thread::Builder::new().name("scraper".into()).spawn(move || {
            if origin.enter().is_err() {
                return;
            }
            for (path, nodes) in asked {
                for (name, at) in nodes {
                    if let Ok(text) = ask(&origin, at, &path) {
                        watch.see(&name, What::Metrics(exposition::values(&text)));
                    }
                }
            }
        })?;
        Ok(Self { asks, thread })
    }

    /// Asks these for what they serve at `path`, and records their answers as they come.
    pub fn ask(&self, path: String, nodes: Vec<(String, SocketAddr)>) {
        // A thread that couldn't enter the namespace has ended: checks miss the metrics, and say so.
        let _ = self.asks.send((path, nodes));
    }

    /// Waits for all answers.
    pub fn finish(self) {
        drop(self.asks);
        let _ = self.thread.join();
    }
}

fn ask(origin: &Origin, at: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = origin.dial(at, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
