//! `masternode run`
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::exit::Failure;
use super::log;
use super::run_flags::{RunFlags, VerifyHow};
use crate::config::Config;
use crate::http::{HttpServer, Sources};
use crate::runtime::{self, Clock, FileClock, Parts, SystemClock, TcpNetwork, status_channel};
use crate::store::redb::Verify;
use crate::store::{MemoryStore, RedbStore, Store};
use crate::telemetry::Telemetry;

/// Runs a node on real sockets until SIGINT or SIGTERM; a second one ends it at once.
pub(super) fn run(flags: RunFlags) -> Result<(), Failure> {
    let verify = flags.verify;
    let config = flags.config()?;
    log::start(&config.log)?;
    let store = open(&config, verify)?;
    let telemetry = Arc::new(Telemetry::new());
    let (status, port) = status_channel();
    let clock: Arc<dyn Clock> = match &config.clock_file {
        Some(file) => {
            let shown = file.display();
            tracing::warn!(target: "node", "The clock is set by {shown}, for tests only ([test] clock_file)");
            Arc::new(FileClock::new(file.clone()))
        }
        None => Arc::new(SystemClock),
    };
    let parts = Parts {
        network: TcpNetwork,
        store,
        clock,
        telemetry: telemetry.clone(),
        // The standard library's only source of real randomness.
        seed: RandomState::new().hash_one(std::process::id()),
        status: Some(port),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::environment)?;
    let ran = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::environment)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::environment)?;
        // From here on a signal stops it cleanly.
        warn_of_a_wrong_clock(&*parts.store, &*parts.clock);
        let mut signalled = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        if let Some(at) = config.http {
            serve_http(at, Sources { telemetry, status }).await?;
        }
        let (stop, stopped) = oneshot::channel();
        let signals = async {
            signalled().await;
            let _ = stop.send(());
            signalled().await;
        };
        tokio::select! {
            biased;
            ran = runtime::run(config, parts, async { stopped.await.unwrap_or_default() }) => Ok(ran?),
            () = signals => Err(Failure::interrupted()),
        }
    });
    // A write that hangs must not keep the process: it is wholly there at the next start, or not at all.
    runtime.shutdown_background();
    ran.inspect(|()| tracing::info!(target: "node", event = "stopped", "Stopped"))
}

async fn serve_http(at: SocketAddr, sources: Sources) -> Result<(), Failure> {
    let refused = |error: io::Error| Failure::listen("HTTP", at, &error, "--http or [http] listen");
    let http = HttpServer::bind(at).await.map_err(refused)?;
    // The port may have been left to the system.
    let at = http.local_addr().map_err(refused)?;
    tracing::info!(target: "node", event = "http", %at, "Serving HTTP on {at}");
    tokio::spawn(http.serve(sources));
    Ok(())
}

/// Says what follows where the clock is behind the chain; a node with a wrong clock still serves what it has.
fn warn_of_a_wrong_clock(store: &dyn Store, clock: &dyn Clock) {
    let (now, tip) = (clock.unix_ms().div_euclid(1000), store.tip());
    if now < tip.timestamp {
        let behind = tip.timestamp - now;
        tracing::warn!(
            target: "node",
            event = "clock_behind",
            behind,
            "The clock is {behind}s before the time of our tip (height {}): blocks from now on may be refused until it is set right",
            tip.height
        );
    }
}

/// The chain on disk, or one in memory where no folder is named.
fn open(config: &Config, verify: VerifyHow) -> Result<Arc<dyn Store>, Failure> {
    let genesis = &config.network.genesis;
    let Some(folder) = &config.store else {
        tracing::warn!(target: "node", "No `[store] path`: the chain is kept in memory and ends with the process");
        return Ok(Arc::new(MemoryStore::new(genesis.clone())));
    };
    let verify = match verify {
        VerifyHow::Quick => Verify::Quick,
        VerifyHow::Full => Verify::Full,
    };
    let (store, _) = RedbStore::open(folder, genesis, &config.chain.checkpoints, verify)?;
    Ok(Arc::new(store))
}
