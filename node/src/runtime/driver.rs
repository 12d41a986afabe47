//! The loop between the core and the world.
use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use super::connection::{self, Heard, Inbox, Link};
use super::line_budget::{LIMIT, LineBudget};
use super::status::{StatusPort, asked};
use super::{Accepted, Clock, Listener, Network};
use crate::chain::Write;
use crate::config::Config;
use crate::protocol::{ConnId, Core, Direction, Input, Now, Output};
use crate::store::{Commit, Store};
use crate::telemetry::Telemetry;

/// How long a closed connection's queue may drain, before the time scale.
const LINGER: Duration = Duration::from_secs(1);

/// How long a stop waits for the outstanding write, a slow disk's too; a stop takes 5 s at most.
const LAST_WRITE: Duration = Duration::from_secs(4);

/// Before the next connection after one that could not be accepted: out of descriptors, that is at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Between two ticks at least: a deadline that stays in the past must not become a busy loop.
const SHORTEST_TICK: Duration = Duration::from_millis(1);

/// What a node is made of, besides its configuration.
pub struct Parts<N> {
    /// Where it listens and dials.
    pub network: N,
    /// Its chain.
    pub store: Arc<dyn Store>,
    /// Its wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where its events go.
    pub telemetry: Arc<Telemetry>,
    /// Of the core's random numbers.
    pub seed: u64,
    /// Where it is asked how it stands, if at all.
    pub status: Option<StatusPort>,
}

/// Why a node does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {at}: {source}")]
    Listen {
        /// Where.
        at: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// Runs a node until `shutdown` is ready. All its tasks have ended when this returns; a panic in one is passed on.
///
/// # Errors
/// [`RunError`] where it can't start.
pub async fn run<N: Network>(
    config: Config,
    mut parts: Parts<N>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let at = config.network.listen;
    let listener = parts.network.listen(at).await.map_err(|source| RunError::Listen { at, source })?;
    let (accepting, mut accepted) = mpsc::channel(1);
    let (trusted, mut from_trusted) = connection::inbox();
    let (regular, mut from_regular) = connection::inbox();
    let store = parts.store.clone();
    let mut status = parts.status.take();
    let mut driver = Driver::new(&config, parts, trusted, regular);
    let acceptor = driver.tasks.spawn(accept(listener, accepting));
    driver.act();

    let mut shutdown = pin!(shutdown);
    let mut sleep = pin!(sleep(Duration::ZERO));
    let mut armed = None;
    let mut ticked = Duration::ZERO;
    let mut writing = None;
    loop {
        if writing.is_none() {
            writing = driver.write.take().map(|write| store.commit(write));
        }
        let wake = driver.core.next_deadline().map(|at| at.max(ticked + SHORTEST_TICK));
        if let Some(at) = wake.filter(|_| wake != armed) {
            sleep.as_mut().reset(driver.start + at);
        }
        armed = wake;
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            result = done(&mut writing) => {
                writing = None;
                driver.tell(Input::Written(result));
            }
            askers = asked(&mut status) => askers.answer(driver.core.status(driver.now(), store.as_ref())),
            Some(dialled) = driver.dials.join_next() => {
                let (peer, result) = unless_panicked(dialled).expect("dials are cancelled at the end only");
                driver.dialled(peer, result);
            }
            Some(connection) = accepted.recv() => driver.connected(connection, Direction::Inbound),
            Some(heard) = from_trusted.recv() => driver.received(heard),
            Some(heard) = from_regular.recv() => driver.received(heard),
            Some(ended) = driver.tasks.join_next() => {
                unless_panicked(ended);
            }
            () = sleep.as_mut(), if armed.is_some() => {
                ticked = driver.start.elapsed();
                driver.tell(Input::Tick);
            }
        }
    }

    acceptor.abort();
    driver.dials.shutdown().await;
    driver.links.clear();
    let written = async {
        if writing.is_some() && timeout(LAST_WRITE, done(&mut writing)).await.is_err() {
            tracing::warn!(target: "node", "The last write hangs: after a restart it is wholly there or not at all");
        }
    };
    let ended = timeout(driver.linger, async {
        while let Some(ended) = driver.tasks.join_next().await {
            unless_panicked(ended);
        }
    });
    let _ = tokio::join!(written, ended);
    driver.tasks.shutdown().await;
    Ok(())
}

/// Takes connections one at a time, so that a pause of the loop leaves them with the system.
async fn accept<L: Listener>(mut listener: L, accepting: mpsc::Sender<Accepted<L::Stream>>) {
    loop {
        match listener.accept().await {
            Ok(connection) => {
                if accepting.send(connection).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(target: "node", %error, "Connection not accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The outstanding write's result; never, where there is none.
async fn done(writing: &mut Option<Commit<'_>>) -> Result<(), String> {
    match writing {
        Some(commit) => commit.await.map_err(|error| error.to_string()),
        None => pending().await,
    }
}

/// A task's result, or `None` where it was cancelled. Its panic goes on here.
fn unless_panicked<T>(ended: Result<T, JoinError>) -> Option<T> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(result) => Some(result),
        Err(Ok(panic)) => resume_unwind(panic),
        Err(Err(_)) => None,
    }
}

type Dialled<S> = (IpAddr, Result<Accepted<S>, String>);

struct Driver<N: Network> {
    core: Core,
    parts: Parts<Arc<N>>,
    start: Instant,
    links: BTreeMap<ConnId, Link>,
    opened: u64,
    tasks: JoinSet<()>,
    dials: JoinSet<Dialled<N::Stream>>,
    budget: Arc<LineBudget>,
    trusted: Inbox,
    regular: Inbox,
    /// The write that the core wants next.
    write: Option<Write>,
    whitelist: BTreeSet<IpAddr>,
    /// Of dials (D-25).
    source: Option<IpAddr>,
    default_port: u16,
    linger: Duration,
}

impl<N: Network> Driver<N> {
    fn new(config: &Config, parts: Parts<N>, trusted: Inbox, regular: Inbox) -> Self {
        let now = Now { at: Duration::ZERO, unix_ms: parts.clock.unix_ms() };
        let network = &config.network;
        let budget = LineBudget::new(LIMIT, parts.telemetry.metrics().sockets());
        Self {
            core: Core::new(config, parts.seed, now, parts.store.as_ref()),
            parts: Parts {
                network: Arc::new(parts.network),
                store: parts.store,
                clock: parts.clock,
                telemetry: parts.telemetry,
                seed: parts.seed,
                status: None,
            },
            start: Instant::now(),
            links: BTreeMap::new(),
            opened: 0,
            tasks: JoinSet::new(),
            dials: JoinSet::new(),
            budget,
            trusted,
            regular,
            write: None,
            whitelist: network.whitelisted_peers.iter().map(|peer| peer.ip).collect(),
            source: Some(network.listen.ip()).filter(|ip| !ip.is_unspecified()),
            default_port: network.default_port(),
            linger: LINGER / config.time_scale.max(1),
        }
    }

    fn now(&self) -> Now {
        Now { at: self.start.elapsed(), unix_ms: self.parts.clock.unix_ms() }
    }

    /// Tells the core and does what it wants.
    fn tell(&mut self, input: Input) {
        self.core.handle(self.now(), input, self.parts.store.as_ref());
        self.act();
    }

    fn act(&mut self) {
        while let Some(output) = self.core.poll() {
            match output {
                Output::Event(event) => self.parts.telemetry.record(&event),
                Output::Send { conn, message } => self.send(conn, &message),
                Output::Close { conn } => {
                    self.links.remove(&conn);
                }
                Output::Dial { peer, port, timeout } => self.dial(peer, port, timeout),
                Output::Write(write) => {
                    debug_assert!(self.write.is_none(), "at most one write is outstanding");
                    self.write = Some(write);
                }
            }
        }
    }

    fn send(&mut self, conn: ConnId, message: &crate::wire::Message) {
        // A connection that has just ended gets no more.
        let Some(link) = self.links.get(&conn) else { return };
        if link.send(message).is_err() {
            self.links.remove(&conn);
            let closed = Input::Closed { conn, reason: "send queue full".to_owned(), by_us: true };
            self.core.handle(self.now(), closed, self.parts.store.as_ref());
        }
    }

    fn dial(&mut self, peer: IpAddr, port: Option<u16>, limit: Duration) {
        let network = self.parts.network.clone();
        let source = self.source;
        let to = SocketAddr::new(peer, port.unwrap_or(self.default_port));
        self.dials.spawn(async move {
            let result = match timeout(limit, network.connect(source, to)).await {
                Ok(result) => result.map_err(|error| error.to_string()),
                Err(_) => Err("timeout".to_owned()),
            };
            (peer, result)
        });
    }

    fn dialled(&mut self, peer: IpAddr, result: Result<Accepted<N::Stream>, String>) {
        match result {
            Ok(connection) => self.connected(connection, Direction::Outbound),
            Err(reason) => self.tell(Input::DialFailed { peer, reason }),
        }
    }

    fn connected(&mut self, connection: Accepted<N::Stream>, direction: Direction) {
        let Accepted { stream, peer, local } = connection;
        let conn = ConnId(self.opened);
        self.opened += 1;
        let inbox = if self.whitelist.contains(&peer) { &self.trusted } else { &self.regular };
        let share = self.budget.share(conn);
        let (link, work) = connection::open(stream, conn, inbox.clone(), share, self.linger);
        self.links.insert(conn, link);
        self.tasks.spawn(work);
        self.tell(Input::Connected { conn, peer, local, direction });
    }

    /// What a connection has to say, unless it was closed meanwhile.
    fn received(&mut self, Heard { conn, input, room }: Heard) {
        if matches!(input, Input::Closed { .. }) {
            if self.links.remove(&conn).is_none() {
                return;
            }
        } else if !self.links.contains_key(&conn) {
            return;
        }
        self.tell(input);
        drop(room);
    }
}
