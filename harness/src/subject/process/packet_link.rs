//! The network between namespaces: a thread that carries IP packets from TUN device to TUN device, and treats them as the link model says.
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::forwarder::Forwarder;
use super::namespace::Tun;
use crate::fault::SimTime;
use crate::fault::link::{LinkParams, LinkStats};
use crate::subject::change::Change;

/// What epoll says of the timer and of a change; devices have their numbers.
const TIMER: u64 = u64::MAX;
const WOKEN: u64 = u64::MAX - 1;

/// The network; dropping it ends the thread.
#[derive(Debug)]
pub struct PacketLink {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Something that happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionEvent {
    /// When the segment that told it left.
    pub at: Instant,
    /// Who dialled.
    pub from: SocketAddrV4,
    /// Who was dialled.
    pub to: SocketAddrV4,
    /// What. A dial that is refused or not answered is a dial and nothing more; a process that is killed closes as its
    /// kernel does, by FIN or RST.
    pub change: Change,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    state: Mutex<State>,
    epoll: Epoll,
    timer: TimerFd,
    wake: EventFd,
}

#[derive(Debug)]
struct State {
    forwarder: Forwarder,
    /// For when the timer is set.
    armed: Option<SimTime>,
    stopped: bool,
}

impl PacketLink {
    /// Carries packets between `tuns`, each with the addresses behind it. Every link is as `default` until changed, and all randomness
    /// comes from `seed`. Traffic from and to an address of `unshaped` (the harness's own questions) has no delay and no faults
    /// but silence, and is neither counted nor told.
    ///
    /// # Errors
    /// The system gives no thread, timer or event descriptor.
    pub fn start(
        seed: u64,
        tuns: Vec<(Vec<Ipv4Addr>, Tun)>,
        default: LinkParams,
        unshaped: Vec<Ipv4Addr>,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        // epoll's own timeout counts milliseconds.
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)?;
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;
        epoll.add(&wake, EpollEvent::new(EpollFlags::EPOLLIN, WOKEN))?;
        for (i, (_, tun)) in tuns.iter().enumerate() {
            epoll.add(tun, EpollEvent::new(EpollFlags::EPOLLIN, i as u64))?;
        }
        let forwarder = Forwarder::new(seed, tuns, default, unshaped);
        let state = Mutex::new(State { forwarder, armed: None, stopped: false });
        #[allow(clippy::disallowed_methods, reason = "a real network, in real time")]
        let shared = Arc::new(Shared { started: Instant::now(), state, epoll, timer, wake });
        let thread = {
            let shared = shared.clone();
            thread::Builder::new().name("packet-link".into()).spawn(move || shared.carry())?
        };
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Changes the directed link `from` -> `to` from now on. What has left already arrives as it was to.
    pub fn set(&self, from: Ipv4Addr, to: Ipv4Addr, params: LinkParams) {
        let mut state = self.shared.lock();
        let now = self.shared.now();
        // What was due before is decided by how things were before.
        state.forwarder.run(now);
        state.forwarder.set(from, to, params, now);
        drop(state);
        self.shared.wake();
    }

    /// What the directed link is like.
    pub fn link(&self, from: Ipv4Addr, to: Ipv4Addr) -> LinkParams {
        let now = self.shared.now();
        self.shared.lock().forwarder.link(from, to).at(now).clone()
    }

    /// What happened on the directed link.
    pub fn stats(&self, from: Ipv4Addr, to: Ipv4Addr) -> LinkStats {
        self.shared.lock().forwarder.link(from, to).stats()
    }

    /// Power loss: nothing leaves or reaches `ip`, whatever the links say; counted as lost to a cut.
    pub fn silence(&self, ip: Ipv4Addr, silent: bool) {
        self.shared.lock().forwarder.silence(ip, silent);
    }

    /// Another device for the addresses that are behind the one of `ip`: a machine that had lost its power comes back in a new
    /// namespace, without the old one's connections.
    ///
    /// # Errors
    /// There is no such address, or the system can't watch the device.
    pub fn replace(&self, ip: Ipv4Addr, tun: Tun) -> io::Result<()> {
        let forwarder = &mut self.shared.lock().forwarder;
        let device = forwarder.device(ip).ok_or(io::ErrorKind::AddrNotAvailable)?;
        self.shared.epoll.add(&tun, EpollEvent::new(EpollFlags::EPOLLIN, device as u64))?;
        // Its descriptor is closed, which ends epoll's interest in it.
        forwarder.tuns[device] = tun;
        Ok(())
    }

    /// What happened to connections since the last call: dialled (a SYN, not its repetition), opened (the handshake's last ACK has left
    /// the dialler), closed (by whom, with FIN or RST, or given up without an answer).
    pub fn drain_events(&self) -> Vec<ConnectionEvent> {
        let now = self.shared.now();
        let events = self.shared.lock().forwarder.connections.drain(now);
        let told = |event: super::connections::Event| ConnectionEvent {
            at: self.shared.started + event.at,
            from: event.from,
            to: event.to,
            change: event.change,
        };
        events.into_iter().map(told).collect()
    }

    /// Bytes of packets that all links were given, and how often a connection was opened.
    pub fn totals(&self) -> (u64, u64) {
        let state = self.shared.lock();
        (state.forwarder.bytes(), state.forwarder.connections.opened())
    }
}

impl Drop for PacketLink {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            // A panic there was told when it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn carry(&self) {
        let mut ready = [EpollEvent::empty(); 64];
        loop {
            let Ok(n) = self.epoll.wait(&mut ready, EpollTimeout::NONE) else {
                // A signal.
                continue;
            };
            for event in &ready[..n] {
                // Anew for each device: others want the lock as well.
                let mut state = self.lock();
                match event.data() {
                    TIMER => {
                        // Whether it has run out is seen by the time.
                        let _ = self.timer.wait();
                        state.armed = None;
                    }
                    WOKEN => {
                        let _ = self.wake.read();
                    }
                    device => {
                        let device = device as usize;
                        if state.forwarder.read(device, || self.now()).is_err() {
                            // It is gone, and would be reported for ever.
                            let _ = self.epoll.delete(&state.forwarder.tuns[device]);
                        }
                    }
                }
            }
            let mut state = self.lock();
            if state.stopped {
                return;
            }
            state.forwarder.run(self.now());
            self.arm(&mut state);
        }
    }

    /// Sets the timer for what is due next.
    fn arm(&self, state: &mut State) {
        let next = state.forwarder.next();
        if next == state.armed {
            return;
        }
        // Without anything due, an old setting wakes the thread once for nothing.
        if let Some(at) = next {
            let wait = at.saturating_sub(self.now()).max(Duration::from_nanos(1));
            let set = self.timer.set(Expiration::OneShot(TimeSpec::from(wait)), TimerSetTimeFlags::empty());
            set.expect("a positive time is valid");
        }
        state.armed = next;
    }

    fn wake(&self) {
        // Its counter is full only when it hasn't been read, and then it wakes as well.
        let _ = self.wake.write(1);
    }

    #[allow(clippy::disallowed_methods, reason = "a real network, in real time")]
    fn now(&self) -> SimTime {
        Instant::now() - self.started
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
