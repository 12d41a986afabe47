//! An anonymous network namespace with one TUN device.
use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::thread;

use agent::told;
use nix::sched::{CloneFlags, setns, unshare};

pub use agent::Tun;

/// Loss slows it down as it slowed the networks that the specification was written for; bbr would hide it.
const CONGESTION_CONTROL: &str = "reno";
const CONGESTION_FILE: &str = "/proc/sys/net/ipv4/tcp_congestion_control";

/// A network namespace without a name. It ends when it, its [`Tun`] and all processes in it have ended: nothing is left
/// behind.
#[derive(Debug)]
pub struct Namespace {
    net: File,
    congestion_control: String,
}

impl Namespace {
    /// Makes a namespace with `ips` on its TUN device (each a /32, default route over the device, MTU 1500), no IPv6,
    /// and `reno` as congestion control. Sockets that aren't bound have the first address. The caller stays where it
    /// is.
    ///
    /// # Errors
    /// What the system refuses, with the step that it refused: commonly a right, or `/dev/net/tun`.
    pub fn new(ips: &[Ipv4Addr]) -> io::Result<(Self, Tun)> {
        let ips = ips.to_vec();
        // A thread of its own: it enters the namespace for good.
        let maker = thread::Builder::new().name("namespace".into()).spawn(move || Self::make(&ips))?;
        maker.join().unwrap_or_else(|_| Err(io::Error::other("the thread that makes namespaces panicked")))
    }

    fn make(ips: &[Ipv4Addr]) -> io::Result<(Self, Tun)> {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|error| told("a network namespace", error))?;
        let net = File::open("/proc/thread-self/ns/net")?;
        // Before there is a device: it would ask for routers at once.
        for which in ["all", "default"] {
            let path = format!("/proc/sys/net/ipv6/conf/{which}/disable_ipv6");
            if Path::new(&path).exists() {
                fs::write(&path, "1").map_err(|error| told(&path, error))?;
            }
        }
        fs::write(CONGESTION_FILE, CONGESTION_CONTROL).map_err(|error| told(CONGESTION_FILE, error))?;
        let congestion_control = fs::read_to_string(CONGESTION_FILE)?.trim().to_owned();
        let tun = Tun::new(ips)?;
        Ok((Self { net, congestion_control }, tun))
    }

    /// Takes the calling thread into the namespace, for good.
    ///
    /// # Errors
    /// The right to do so is missing.
    pub fn enter(&self) -> io::Result<()> {
        setns(&self.net, CloneFlags::CLONE_NEWNET).map_err(|error| told("entering a network namespace", error))
    }

    /// The congestion control in force, as the kernel tells it.
    pub fn congestion_control(&self) -> &str {
        &self.congestion_control
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.net.as_fd()
    }
}
