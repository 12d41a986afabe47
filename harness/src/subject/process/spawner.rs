//! The thread that starts all processes.
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{self, Child, Command};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

use super::namespace::Namespace;

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
    /// terminal's Ctrl-C reaches only the harness. Who drops the [`Child`] still has to reap it.
    ///
    /// # Errors
    /// The program can't be started, or the namespace can't be entered.
    pub fn spawn(&self, namespace: Option<&Namespace>, command: Command) -> io::Result<Child> {
        let namespace = namespace.map(|namespace| namespace.as_fd().try_clone_to_owned()).transpose()?;
        let (answer, answered) = channel();
        let gone = || io::Error::other("the spawning thread has ended");
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send(Order { namespace, command, answer }).map_err(|_| gone())?;
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
    while let Ok(Order { namespace, mut command, answer }) = orders.recv() {
        command.process_group(0);
        let enter = move || {
            if let Some(namespace) = &namespace {
                setns(namespace, CloneFlags::CLONE_NEWNET)?;
            }
            // Last: a change of namespaces may clear it.
            set_pdeathsig(Signal::SIGKILL)?;
            // Died before it was set?
            if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
        };
        #[allow(unsafe_code, reason = "code between fork and exec")]
        // SAFETY: three system calls and comparisons; nothing is allocated and no lock is taken.
        unsafe {
            command.pre_exec(enter);
        }
        // Nobody waits for the answer: the child is dropped, and lives as long as this thread.
        let _ = answer.send(command.spawn());
    }
}
