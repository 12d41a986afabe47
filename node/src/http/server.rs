//! The listener, and what one client may cost.
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::routes::routes;
use crate::runtime::StatusHandle;
use crate::telemetry::Telemetry;

/// Connections at once; one more and the oldest goes, so that clients that hold theirs keep nobody out.
const CONNECTIONS: usize = 32;

/// For a request's head to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// For a request, its answer and its reading.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a request's head (the least that hyper allows).
const HEAD: usize = 8 << 10;

/// Before the next connection after one that could not be accepted: out of descriptors, that is at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is told.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The node's metrics.
    pub telemetry: Arc<Telemetry>,
    /// The node's loop.
    pub status: StatusHandle,
}

/// A bound listener.
#[derive(Debug)]
pub struct HttpServer(TcpListener);

impl HttpServer {
    /// Binds `at`.
    ///
    /// # Errors
    /// The system's, where the address is taken or not ours.
    pub async fn bind(at: SocketAddr) -> io::Result<Self> {
        TcpListener::bind(at).await.map(Self)
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Answers until it is dropped: one request a connection.
    pub async fn serve(self, sources: Sources) -> Infallible {
        let routes = TowerToHyperService::new(routes(sources));
        let mut http = http1::Builder::new();
        http.keep_alive(false).timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD);
        let mut connections = JoinSet::new();
        let mut by_age: VecDeque<AbortHandle> = VecDeque::new();
        loop {
            tokio::select! {
                Some(_) = connections.join_next() => by_age.retain(|connection| !connection.is_finished()),
                accepted = self.0.accept() => match accepted {
                    Ok((stream, _)) => {
                        if by_age.len() == CONNECTIONS && let Some(oldest) = by_age.pop_front() {
                            oldest.abort();
                        }
                        let served = timeout(CONNECTION_TIMEOUT, http.serve_connection(TokioIo::new(stream), routes.clone()));
                        // How a client leaves is its own affair.
                        by_age.push_back(connections.spawn(async { drop(served.await) }));
                    }
                    Err(error) => {
                        tracing::debug!(target: "node", %error, "HTTP connection not accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::Instant;

    use super::*;
    use crate::runtime::status_channel;

    async fn get(at: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_loop_that_is_stuck_or_gone_is_not_healthy() {
        let http = HttpServer::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let at = http.local_addr().unwrap();
        let (status, port) = status_channel();
        tokio::spawn(http.serve(Sources { telemetry: Arc::new(Telemetry::new()), status }));
        let mut port = Some(port);
        for (within, path) in [(2, "/healthz"), (0, "/healthz"), (0, "/readyz"), (0, "/status")] {
            let start = Instant::now();
            let answer = get(at, path).await;
            assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
            assert!(answer.ends_with("\r\n\r\nthe node's loop does not answer\n"), "{answer}");
            assert_eq!(start.elapsed().as_secs(), within, "{path}");
            // First nobody listens to the question, then it can't even be asked.
            port.take();
        }
        assert!(get(at, "/metrics").await.starts_with("HTTP/1.1 200"), "what needs no loop is still told");
    }
}
