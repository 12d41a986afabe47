//! Requests for blocks, put together from the nodes' logs and from what scripted peers received: who asked whom for which
//! range, and until when that stood open.
//!
//! From a log: opened by `requested`; closed by `received` with a first block in the range, by `request_failed` of the
//! range, by a `reorg` to an ancestor below its end, by its own timeout. From the wire: opened by either block request, closed
//! by an answer that begins in the range, or, where none is meant, the oldest by any answer; there the deadline is the shortest
//! that the text knows. Both are closed by the end of the connection or of the node's process.
use std::collections::BTreeMap;
use std::time::Duration;

use crate::history::{Field, Fields, History, Observation, What};

use super::pattern::is_block_request;

/// Regular peers' timeout (phase-3, Component 5), the shorter of the two.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Where a request was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// In the node's log.
    Log,
    /// At the scripted peer.
    Wire,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its time was over, or the history's.
    Time,
    /// Blocks came.
    Answered,
    /// The node gave it up.
    Failed,
    /// Connection or process ended.
    Closed,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Where it was seen.
    pub by: By,
    /// The node that asked.
    pub node: &'a str,
    /// The IP of the peer that was asked.
    pub peer: String,
    /// First height.
    pub start: u64,
    /// Last height.
    pub end: u64,
    /// The observation.
    pub seen: &'a Observation,
    /// Until when it stood open.
    pub until: Duration,
    /// Why no longer.
    pub ended: End,
    /// When a scripted peer began to send an answer to what a log tells: a node needn't log one whose blocks it got elsewhere.
    pub sent: Option<Duration>,
}

impl Request<'_> {
    /// Whether both are for some same block.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

/// All requests in order of their beginning. Those of a log that lack a range or a peer are left out.
pub fn requests(history: &History) -> Vec<Request<'_>> {
    let mut book = Book::default();
    for seen in history.observations() {
        let source = seen.source.as_str();
        match &seen.what {
            What::Log { event, fields, .. } => book.log(event, fields, seen),
            What::Wire { node, sent, message, fields } => {
                let Some(peer) = history.meta().ip_of(source) else {
                    continue;
                };
                let key = Key { by: By::Wire, node, peer };
                if !sent && is_block_request(message) {
                    book.open(key, fields, seen, SHORTEST_TIMEOUT);
                } else if *sent && is_block_answer(message) {
                    book.answered(&key, fields, seen.at);
                    book.sent(&Key { by: By::Log, ..key }, fields, seen.at);
                }
            }
            What::Connection { fate, peer } if ended(fate) => {
                for by in [By::Log, By::Wire] {
                    let peer = peer.clone();
                    let key = Key { by, node: source, peer };
                    book.close(&key, seen.at, End::Closed, |_| true);
                }
            }
            What::Process { up: false, .. } => {
                let keys: Vec<Key<'_>> = book.standing.keys().cloned().collect();
                for key in keys.iter().filter(|key| key.node == source) {
                    book.close(key, seen.at, End::Closed, |_| true);
                }
            }
            _ => {}
        }
    }
    book.requests
}

/// Whether a connection with this fate is no more: closed, reset, killed.
fn ended(fate: &str) -> bool {
    !matches!(fate, "dialled" | "refused" | "opened")
}

fn is_block_answer(message: &str) -> bool {
    matches!(message, "BlocksResponse" | "BlockRangeResponse")
}

/// A number among fields.
pub fn number(fields: &Fields, name: &str) -> Option<u64> {
    match fields.get(name)? {
        Field::Number(number) => Some(*number),
        Field::Text(text) => text.parse().ok(),
    }
}

/// A text among fields.
pub fn text(fields: &Fields, name: &str) -> Option<String> {
    fields.get(name).map(ToString::to_string)
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    by: By,
    node: &'a str,
    peer: String,
}

/// All requests so far, and which stand open, oldest first. A request is closed by its time when it is looked at later.
#[derive(Default)]
struct Book<'a> {
    requests: Vec<Request<'a>>,
    standing: BTreeMap<Key<'a>, Vec<usize>>,
}

impl<'a> Book<'a> {
    fn log(&mut self, event: &str, fields: &'a Fields, seen: &'a Observation) {
        let node = seen.source.as_str();
        if event == "reorg" {
            let ancestor = number(fields, "ancestor").unwrap_or(0);
            let keys: Vec<Key<'_>> = self.standing.keys().cloned().collect();
            for key in keys.iter().filter(|key| key.by == By::Log && key.node == node) {
                self.close(key, seen.at, End::Failed, |request| request.end > ancestor);
            }
            return;
        }
        let Some(peer) = text(fields, "ip") else {
            return;
        };
        let key = Key { by: By::Log, node, peer };
        match event {
            "requested" => {
                let timeout = number(fields, "timeout").map_or(SHORTEST_TIMEOUT, Duration::from_secs);
                self.open(key, fields, seen, timeout);
            }
            "received" => self.answered(&key, fields, seen.at),
            "request_failed" => {
                let range = (number(fields, "start"), number(fields, "end"));
                self.close(&key, seen.at, End::Failed, |request| range == (Some(request.start), Some(request.end)));
            }
            _ => {}
        }
    }

    fn open(&mut self, key: Key<'a>, fields: &Fields, seen: &'a Observation, timeout: Duration) {
        let (Some(start), Some(end)) = (number(fields, "start"), number(fields, "end")) else {
            return;
        };
        self.requests.push(Request {
            by: key.by,
            node: key.node,
            peer: key.peer.clone(),
            start,
            end,
            seen,
            until: seen.at.saturating_add(timeout),
            ended: End::Time,
            sent: None,
        });
        let number = self.requests.len() - 1;
        self.standing.entry(key).or_default().push(number);
    }

    /// Closes the oldest whose range holds the answer's first block; at the wire, where none does, the oldest.
    fn answered(&mut self, key: &Key<'a>, fields: &Fields, at: Duration) {
        let meant = self.meant(key, fields, at);
        let Some(standing) = self.standing.get_mut(key) else {
            return;
        };
        let any = (key.by == By::Wire && !standing.is_empty()).then_some(0);
        if let Some(place) = meant.or(any) {
            let request = &mut self.requests[standing.remove(place)];
            request.until = at;
            request.ended = End::Answered;
        }
    }

    /// Notes that an answer is on its way to the oldest whose range holds its first block.
    fn sent(&mut self, key: &Key<'a>, fields: &Fields, at: Duration) {
        if let Some(place) = self.meant(key, fields, at) {
            let request = &mut self.requests[self.standing[key][place]];
            request.sent = request.sent.or(Some(at));
        }
    }

    /// The place of the oldest that stands open and whose range holds the answer's first block.
    fn meant(&mut self, key: &Key<'a>, fields: &Fields, at: Duration) -> Option<usize> {
        let standing = self.standing.get_mut(key)?;
        standing.retain(|number| self.requests[*number].until > at);
        let first = number(fields, "start")?;
        standing.iter().position(|number| {
            let request = &self.requests[*number];
            (request.start..=request.end).contains(&first)
        })
    }

    fn close(&mut self, key: &Key<'a>, at: Duration, how: End, which: impl Fn(&Request<'a>) -> bool) {
        let Some(standing) = self.standing.get_mut(key) else {
            return;
        };
        standing.retain(|number| {
            let request = &mut self.requests[*number];
            let open = request.until > at;
            let ends = which(request);
            if open && ends {
                request.until = at;
                request.ended = how;
            }
            open && !ends
        });
    }
}

#[cfg(test)]
mod tests;
