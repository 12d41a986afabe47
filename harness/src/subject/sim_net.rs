//! The network of one simulated node or scripted peer: node's [`Network`] on a [`Fabric`].
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use node::runtime::network::{Accepted, Listener, Network};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::connection::Answer;
use super::fabric::{ConnectionId, Fabric, MIN_LATENCY};
use super::gate::Gate;
use super::sim_clock::EPOCH_MS;
use crate::fault::SimTime;

/// A SYN is tried so often, after 0, 1, 3, 7, … seconds, and then the dial has failed, after 127 s (Linux, tcp_syn_retries = 6).
pub(super) const SYN_TRIES: u32 = 7;

/// A network seen from one address. Any number of addresses can share a turmoil host; all of it must run inside of one.
#[derive(Debug, Clone)]
pub struct SimNet {
    fabric: Fabric,
    ip: IpAddr,
    gate: Gate,
}

impl SimNet {
    /// The network as `ip` sees it. While `gate` is closed nothing that came from here makes progress, but what arrives is kept.
    pub fn new(fabric: Fabric, ip: IpAddr, gate: Gate) -> Self {
        Self { fabric, ip, gate }
    }

    fn stream(&self, id: ConnectionId, side: usize) -> SimStream {
        SimStream {
            fabric: self.fabric.clone(),
            gate: self.gate.clone(),
            id,
            side,
            read_alarm: Alarm::default(),
            write_alarm: Alarm::default(),
        }
    }

    async fn dial(&self, from: IpAddr, to: SocketAddr) -> io::Result<Accepted<SimStream>> {
        for attempt in 0..SYN_TRIES {
            let started = Instant::now();
            if let Some(accepted) = self.handshake(from, to).await {
                let id = accepted
                    .then(|| self.fabric.lock().open(from, to, now()))
                    .ok_or(ErrorKind::ConnectionRefused)??;
                return Ok(Accepted { stream: self.stream(id, 0), peer: to.ip(), local: from });
            }
            tokio::time::sleep_until(started + Duration::from_secs(1 << attempt)).await;
        }
        Err(ErrorKind::TimedOut.into())
    }

    /// One SYN: whether the answer is yes, unless there is none.
    async fn handshake(&self, from: IpAddr, to: SocketAddr) -> Option<bool> {
        let there = self.fabric.lock().syn(from, to.ip(), now())?;
        sleep(there).await;
        let (back, accepted) = self.fabric.lock().syn_ack(from, to, now())?;
        sleep(back).await;
        Some(accepted)
    }
}

impl Network for SimNet {
    type Stream = SimStream;
    type Listener = SimListener;

    /// Binds this network's address, whatever address `at` has, and the port of `at`.
    async fn listen(&self, at: SocketAddr) -> io::Result<SimListener> {
        let at = (self.ip, at.port());
        let id = self.fabric.lock().listen(at)?;
        Ok(SimListener { net: self.clone(), at, id, alarm: Alarm::default() })
    }

    async fn connect(&self, source: Option<IpAddr>, to: SocketAddr) -> io::Result<Accepted<SimStream>> {
        let from = source.unwrap_or(self.ip);
        self.fabric.dialled(from, to.ip(), now());
        self.gate.wrap(self.dial(from, to)).await
    }
}

/// A bound listener; dropping it closes what it hasn't accepted.
#[derive(Debug)]
pub struct SimListener {
    net: SimNet,
    at: (IpAddr, u16),
    id: u64,
    alarm: Alarm,
}

impl Listener for SimListener {
    type Stream = SimStream;

    async fn accept(&mut self) -> io::Result<Accepted<SimStream>> {
        let Self { net, at, id, alarm } = self;
        let connection = poll_fn(|cx| {
            ready!(net.gate.poll(cx));
            alarm.drive(cx, |now, cx| net.fabric.lock().poll_accept(*at, *id, now, cx))
        })
        .await?;
        let peer = net.fabric.lock().dialler(connection).ok_or(ErrorKind::ConnectionAborted)?;
        Ok(Accepted { stream: net.stream(connection, 1), peer, local: net.ip })
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        if let Some(now) = now_if_running() {
            self.net.fabric.lock().unlisten(self.at, self.id, now);
        }
    }
}

/// One end of a connection. Dropping it closes the connection in good order, as does the end of the process ([`Fabric::host_down`]);
/// what is dropped with the simulation itself closes nothing.
#[derive(Debug)]
pub struct SimStream {
    fabric: Fabric,
    gate: Gate,
    id: ConnectionId,
    side: usize,
    read_alarm: Alarm,
    write_alarm: Alarm,
}

impl SimStream {
    /// The number of the connection in the fabric's events.
    pub fn id(&self) -> ConnectionId {
        self.id
    }
}

impl AsyncRead for SimStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { fabric, gate, id, side, read_alarm, .. } = &mut *self;
        ready!(gate.poll(cx));
        read_alarm.drive(cx, |now, cx| fabric.lock().poll_read(*id, *side, now, buf, cx))
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let Self { fabric, gate, id, side, write_alarm, .. } = &mut *self;
        ready!(gate.poll(cx));
        write_alarm.drive(cx, |now, cx| fabric.lock().poll_write(*id, *side, now, data, cx))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.gate.poll(cx));
        self.fabric.lock().shutdown(self.id, self.side, now());
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        if let Some(now) = now_if_running() {
            self.fabric.lock().drop_end(self.id, self.side, now);
        }
    }
}

/// A timer that is made when it is first needed, and kept.
#[derive(Debug, Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Polls `step` now and at every time that it asks for.
    fn drive<T>(&mut self, cx: &mut Context<'_>, mut step: impl FnMut(SimTime, &Context<'_>) -> Answer<T>) -> Poll<T> {
        loop {
            let now = now();
            let at = match step(now, cx) {
                Answer::Now(value) => return Poll::Ready(value),
                Answer::Wait(None) => return Poll::Pending,
                Answer::Wait(Some(at)) => at,
            };
            // At least the resolution of the timer: a step that asks for now must not spin.
            let deadline = Instant::now() + at.saturating_sub(now).max(MIN_LATENCY);
            let alarm = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
            if alarm.deadline() != deadline {
                alarm.as_mut().reset(deadline);
            }
            ready!(alarm.as_mut().poll(cx));
        }
    }
}

fn now() -> SimTime {
    turmoil::sim_elapsed().unwrap_or_default()
}

/// Not when a runtime was taken down: its clock doesn't count any more.
fn now_if_running() -> Option<SimTime> {
    tokio::runtime::Handle::try_current().ok()?;
    turmoil::sim_elapsed()
}

/// turmoil, set up for a [`Fabric`]: hosts and time from `seed`, steps of `tick` (1 ms or more; 10 ms up to 20 hosts, 100 ms up
/// to 50), and for whoever uses its own TCP beside a fabric between `hosts` hosts, no surprises.
pub fn turmoil_builder(seed: u64, tick: Duration, hosts: usize) -> turmoil::Builder {
    let mut builder = turmoil::Builder::new();
    builder
        .rng_seed(seed)
        .epoch(SystemTime::UNIX_EPOCH + Duration::from_millis(EPOCH_MS as u64))
        .tick_duration(tick)
        // Longer than any run: the run has a limit of its own.
        .simulation_duration(Duration::from_secs(10 * 365 * 86_400))
        // More pending dials than this panic.
        .tcp_capacity((4 * hosts).max(64))
        // A failed dial leaks a port.
        .ephemeral_ports(1_024..=65_535)
        // With none, messages arrive before they were sent.
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(1))
        // Not a loss of packets: it would break whole links.
        .fail_rate(0.0);
    builder
}
