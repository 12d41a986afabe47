//! What unfinished lines of all peers may hold together.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::protocol::ConnId;

/// Bytes that unfinished lines of all peers share (wire protocol: Framing).
pub(super) const LIMIT: usize = 64 << 20;

/// Bytes shared by all connections; past the limit the largest holder is told to close.
#[derive(Debug)]
pub(super) struct LineBudget {
    limit: usize,
    held: Mutex<Held>,
    /// Bytes that all sockets hold, for the metrics.
    of_all: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    /// Only of connections that hold something.
    by: BTreeMap<ConnId, (usize, Arc<Notify>)>,
}

impl Held {
    fn remove(&mut self, conn: ConnId) -> Option<Arc<Notify>> {
        let (bytes, close) = self.by.remove(&conn)?;
        self.total -= bytes;
        Some(close)
    }
}

impl LineBudget {
    /// A budget of `limit` bytes; what is held is counted in `of_all`, too.
    pub fn new(limit: usize, of_all: Arc<AtomicUsize>) -> Arc<Self> {
        Arc::new(Self { limit, held: Mutex::default(), of_all })
    }

    /// The share of one connection, empty at first.
    pub fn share(self: &Arc<Self>, conn: ConnId) -> Share {
        Share { budget: self.clone(), conn, bytes: 0, close: Arc::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's part of a [`LineBudget`]; gives it back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<LineBudget>,
    conn: ConnId,
    bytes: usize,
    close: Arc<Notify>,
}

impl Share {
    /// Notified when this connection has to close.
    pub fn close(&self) -> Arc<Notify> {
        self.close.clone()
    }

    /// Where the bytes of all sockets are counted.
    pub fn of_all(&self) -> Arc<AtomicUsize> {
        self.budget.of_all.clone()
    }

    /// Holds `bytes` from now on. Past the limit the largest holders, perhaps this one, lose their share and are told.
    pub fn set(&mut self, bytes: usize) {
        if bytes == self.bytes {
            return;
        }
        self.budget.of_all.fetch_add(bytes, Ordering::Relaxed);
        self.budget.of_all.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
        let mut held = self.budget.held();
        held.remove(self.conn);
        if bytes > 0 {
            held.total += bytes;
            held.by.insert(self.conn, (bytes, self.close.clone()));
        }
        while held.total > self.budget.limit {
            let largest = held.by.iter().max_by_key(|(_, (bytes, _))| *bytes).map(|(conn, _)| *conn);
            match largest.and_then(|conn| held.remove(conn)) {
                Some(close) => close.notify_one(),
                None => break,
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn told(share: &Share) -> bool {
        let close = share.close();
        let told = pin!(close.notified()).poll(&mut Context::from_waker(Waker::noop()));
        told == Poll::Ready(())
    }

    #[test]
    fn past_the_limit_the_largest_is_told() {
        let budget = LineBudget::new(100, Arc::default());
        let [mut a, mut b, mut c] = [1, 2, 3].map(|id| budget.share(ConnId(id)));
        a.set(40);
        b.set(50);
        c.set(10);
        assert!(![&a, &b, &c].into_iter().any(told), "exactly the limit");
        a.set(41);
        assert!(told(&b) && !told(&a) && !told(&c));
        assert_eq!(budget.held().total, 51, "what was told to close counts no more");
        a.set(95);
        assert!(told(&a) && !told(&c));
    }

    #[test]
    fn what_is_dropped_is_given_back() {
        let budget = LineBudget::new(100, Arc::default());
        let mut a = budget.share(ConnId(1));
        a.set(90);
        a.set(60);
        let mut b = budget.share(ConnId(2));
        b.set(40);
        drop(a);
        b.set(100);
        assert!(!told(&b));
        assert_eq!(budget.of_all.load(Ordering::Relaxed), 100);
        b.set(0);
        assert_eq!(budget.of_all.load(Ordering::Relaxed), 0);
        assert!(budget.held().by.is_empty() && budget.held().total == 0);
    }
}
