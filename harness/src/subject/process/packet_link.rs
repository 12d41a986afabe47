//! The network between namespaces: a thread that carries IP packets from TUN device to TUN device, and treats them as
//! the link model says.
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::connections::Event;
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
    started: Instant,
    /// `None` only while it is dropped.
    orders: Option<Sender<Order>>,
    wake: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread does between packets. Not a lock: a thread that is never idle would hardly ever let others have it.
type Order = Box<dyn FnOnce(&mut Carrier, SimTime) + Send>;

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

/// What the thread has.
#[derive(Debug)]
struct Carrier {
    started: Instant,
    forwarder: Forwarder,
    orders: Receiver<Order>,
    epoll: Epoll,
    timer: TimerFd,
    /// For when the timer is set.
    armed: Option<SimTime>,
    wake: Arc<EventFd>,
}

impl PacketLink {
    /// Carries packets between `tuns`, each with the addresses behind it. Every link is as `default` until changed, and
    /// all randomness comes from `seed`. Traffic from and to an address of `unshaped` (the harness's own questions) has
    /// no delay and no faults but silence, and is neither counted nor told.
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
        let wake = Arc::new(wake);
        let (orders, received) = channel();
        #[allow(clippy::disallowed_methods, reason = "a real network, in real time")]
        let started = Instant::now();
        let carrier = Carrier { started, forwarder, orders: received, epoll, timer, armed: None, wake: wake.clone() };
        let thread = thread::Builder::new().name("packet-link".into()).spawn(move || carrier.run())?;
        Ok(Self { started, orders: Some(orders), wake, thread: Some(thread) })
    }

    /// Changes the directed link `from` -> `to` from now on. What has left already arrives as it was to.
    pub fn set(&self, from: Ipv4Addr, to: Ipv4Addr, params: LinkParams) {
        self.ask(move |carrier, now| carrier.forwarder.set(from, to, params, now));
    }

    /// What the directed link is like.
    pub fn link(&self, from: Ipv4Addr, to: Ipv4Addr) -> LinkParams {
        self.ask(move |carrier, now| carrier.forwarder.link(from, to).at(now).clone())
    }

    /// What happened on the directed link.
    pub fn stats(&self, from: Ipv4Addr, to: Ipv4Addr) -> LinkStats {
        self.ask(move |carrier, _| carrier.forwarder.link(from, to).stats())
    }

    /// Power loss: nothing leaves or reaches `ip`, whatever the links say; counted as lost to a cut. Its open
    /// connections are told as closed by it.
    pub fn silence(&self, ip: Ipv4Addr, silent: bool) {
        self.ask(move |carrier, now| carrier.forwarder.silence(ip, silent, now));
    }

    /// Another device for the addresses that are behind the one of `ip`: a machine that had lost its power comes back
    /// in a new namespace, without the old one's connections.
    ///
    /// # Errors
    /// There is no such address, or the system can't watch the device.
    pub fn replace(&self, ip: Ipv4Addr, tun: Tun) -> io::Result<()> {
        self.ask(move |carrier, _| carrier.replace(ip, tun))
    }

    /// What happened to connections since the last call: dialled (a SYN, not its repetition), opened (the handshake's
    /// last ACK has left the dialler), closed (by whom, with FIN or RST, or given up without an answer).
    pub fn drain_events(&self) -> Vec<ConnectionEvent> {
        let events = self.ask(|carrier, now| carrier.forwarder.connections.drain(now));
        let told = |event: Event| ConnectionEvent {
            at: self.started + event.at,
            from: event.from,
            to: event.to,
            change: event.change,
        };
        events.into_iter().map(told).collect()
    }

    /// Bytes of packets that all links were given, and how often a connection was opened.
    pub fn totals(&self) -> (u64, u64) {
        self.ask(|carrier, _| (carrier.forwarder.bytes(), carrier.forwarder.connections.opened()))
    }

    /// Has the thread do something, and waits for it: as long as a few hundred packets take, at most.
    fn ask<T: Send + 'static>(&self, question: impl FnOnce(&mut Carrier, SimTime) -> T + Send + 'static) -> T {
        let (answer, answered) = channel();
        let order: Order = Box::new(move |carrier, now| {
            // The asker waits.
            let _ = answer.send(question(carrier, now));
        });
        let sent = self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok());
        assert!(sent, "the thread lives as long as its owner, unless it panicked");
        wake(&self.wake);
        answered.recv().expect("the thread lives as long as its owner, unless it panicked")
    }
}

impl Drop for PacketLink {
    fn drop(&mut self) {
        drop(self.orders.take());
        wake(&self.wake);
        if let Some(thread) = self.thread.take() {
            // A panic there was told when it happened.
            let _ = thread.join();
        }
    }
}

impl Carrier {
    /// Until nobody can give orders any more.
    fn run(mut self) {
        let mut ready = [EpollEvent::empty(); 64];
        loop {
            let Ok(n) = self.epoll.wait(&mut ready, EpollTimeout::NONE) else {
                // A signal.
                continue;
            };
            for event in &ready[..n] {
                match event.data() {
                    TIMER => {
                        // Whether it has run out is seen by the time.
                        let _ = self.timer.wait();
                        self.armed = None;
                    }
                    WOKEN => {
                        let _ = self.wake.read();
                        if self.obey().is_break() {
                            return;
                        }
                    }
                    device => self.read(device as usize),
                }
            }
            self.forwarder.run(now(self.started));
            self.arm();
        }
    }

    /// Does what was asked for so far.
    fn obey(&mut self) -> ControlFlow<()> {
        loop {
            match self.orders.try_recv() {
                Ok(order) => {
                    let now = now(self.started);
                    // What was due before is decided by how things were before.
                    self.forwarder.run(now);
                    order(self, now);
                }
                Err(TryRecvError::Empty) => return ControlFlow::Continue(()),
                Err(TryRecvError::Disconnected) => return ControlFlow::Break(()),
            }
        }
    }

    fn read(&mut self, device: usize) {
        let started = self.started;
        if self.forwarder.read(device, || now(started)).is_err() {
            // It is gone, and would be reported for ever.
            let _ = self.epoll.delete(&self.forwarder.tuns[device]);
        }
    }

    fn replace(&mut self, ip: Ipv4Addr, tun: Tun) -> io::Result<()> {
        let device = self.forwarder.device(ip).ok_or(io::ErrorKind::AddrNotAvailable)?;
        self.epoll.add(&tun, EpollEvent::new(EpollFlags::EPOLLIN, device as u64))?;
        // The old descriptor is closed, which ends epoll's interest in it.
        self.forwarder.tuns[device] = tun;
        Ok(())
    }

    /// Sets the timer for what is due next.
    fn arm(&mut self) {
        let next = self.forwarder.next();
        if next == self.armed {
            return;
        }
        // Without anything due, an old setting wakes the thread once for nothing.
        if let Some(at) = next {
            let wait = at.saturating_sub(now(self.started)).max(Duration::from_nanos(1));
            let set = self.timer.set(Expiration::OneShot(TimeSpec::from(wait)), TimerSetTimeFlags::empty());
            set.expect("a positive time is valid");
        }
        self.armed = next;
    }
}

#[allow(clippy::disallowed_methods, reason = "a real network, in real time")]
fn now(started: Instant) -> SimTime {
    Instant::now() - started
}

fn wake(thread: &EventFd) {
    // Its counter is full only when it hasn't been read, and then it wakes as well.
    let _ = thread.write(1);
}
