//! `masternode` as a process.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

pub fn masternode(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_masternode"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command that ends by itself: exit code, stdout, stderr.
pub fn ends(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = masternode(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A node that has started, its warning where the chain is kept in memory, and its first line after that.
pub struct Running {
    pub node: Child,
    pub stdout: BufReader<ChildStdout>,
    pub warning: String,
    pub first: String,
}

impl Running {
    pub fn start(arguments: &[&str]) -> Self {
        let mut node = masternode(arguments).spawn().unwrap();
        let mut stdout = BufReader::new(node.stdout.take().unwrap());
        let (mut warning, mut first) = (String::new(), String::new());
        stdout.read_line(&mut first).unwrap();
        if first.contains("WARN") {
            warning = std::mem::take(&mut first);
            stdout.read_line(&mut first).unwrap();
        }
        Self { node, stdout, warning, first }
    }

    /// Where it serves HTTP, as its first line says.
    pub fn http(&self) -> SocketAddr {
        let (_, after) = self.first.split_once("Serving HTTP on ").unwrap_or_else(|| panic!("{}", self.first));
        after.split_whitespace().next().unwrap().parse().unwrap()
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.node.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Sends a signal, waits for the end and returns the exit code and the rest of stdout.
    pub fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        self.signal(signal);
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.node.wait().unwrap().code(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

/// Sends `request` and reads until the end.
pub fn exchange(at: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A server that refuses may close before everything was sent.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

/// Status line and headers, and the body, of a GET.
pub fn get(at: SocketAddr, path: &str) -> (String, String) {
    let answer = exchange(at, format!("GET {path} HTTP/1.1\r\nHost: {at}\r\n\r\n").as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{path}: {answer:?}"));
    (head.to_owned(), body.to_owned())
}
