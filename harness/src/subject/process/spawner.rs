//! The thread that starts all processes.
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Child, Command};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

use super::namespace::Namespace;

const HOSTS: &CStr = c"/etc/hosts";

/// Starts processes that live no longer than it does. "The parent died" means to Linux that the thread which started a
/// process ended, so one thread starts them all: they are killed when the harness dies, however it dies, or when this
/// is dropped.
#[derive(Debug)]
pub struct Spawner {
    /// `None` only while it is dropped.
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Order {
    namespace: Option<OwnedFd>,
    hosts: Option<CString>,
    command: Command,
    answer: Sender<io::Result<Child>>,
}

impl Spawner {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start() -> io::Result<Self> {
        let (orders, received) = channel();
        let thread = thread::Builder::new().name("spawner".into()).spawn(move || serve(&received))?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    /// Starts `command` in `namespace` (`None`: where the harness is), in a process group of its own, so that a
    /// terminal's Ctrl-C reaches only the harness. With `hosts` it sees that file as `/etc/hosts`, and nobody else does.
    /// Who drops the [`Child`] still has to reap it.
    ///
    /// # Errors
    /// The program can't be started, or the namespace can't be entered.
    pub fn spawn(&self, namespace: Option<&Namespace>, hosts: Option<&Path>, command: Command) -> io::Result<Child> {
        let hosts = hosts.map(|path| CString::new(path.as_os_str().as_bytes())).transpose()?;
        let namespace = namespace.map(|namespace| namespace.as_fd().try_clone_to_owned()).transpose()?;
        let (answer, answered) = channel();
        let gone = || io::Error::other("the spawning thread has ended");
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send(Order { namespace, hosts, command, answer }).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            // It can't have panicked with an order half done that anybody still waits for.
            let _ = thread.join();
        }
    }
}

fn serve(orders: &Receiver<Order>) {
    let parent = Pid::from_raw(process::id() as i32);
    while let Ok(Order { namespace, hosts, mut command, answer }) = orders.recv() {
        command.process_group(0);
        let enter = move || {
            if let Some(namespace) = &namespace {
                setns(namespace, CloneFlags::CLONE_NEWNET)?;
            }
            if let Some(hosts) = &hosts {
                unshare(CloneFlags::CLONE_NEWNS)?;
                let nothing: Option<&CStr> = None;
                mount(nothing, c"/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
                mount(Some(hosts.as_c_str()), HOSTS, nothing, MsFlags::MS_BIND, nothing)?;
            }
            // Last: a change of namespaces may clear it.
            set_pdeathsig(Signal::SIGKILL)?;
            // Died before it was set?
            if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
        };
        #[allow(unsafe_code, reason = "code between fork and exec")]
        // SAFETY: a few system calls and comparisons; nothing is allocated and no lock is taken.
        unsafe {
            command.pre_exec(enter);
        }
        // Nobody waits for the answer: the child is dropped, and lives as long as this thread.
        let _ = answer.send(command.spawn());
    }
}
