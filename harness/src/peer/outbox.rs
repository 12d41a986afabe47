//! What waits to be written to one connection, and is written line by line.
use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::io;
use std::time::Duration;

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};

use super::dialect::Dialect;
use super::note::Note;
use super::outgoing::{Outgoing, Payload};

/// Things that wait at most, so that a node which doesn't read costs little; more are dropped.
const MOST: usize = 65_536;

/// Bytes of filler and noise that are made at once.
const CHUNK: u64 = 64 * 1024;

/// Time between two slices of something that is sent over a time.
const SLICE: Duration = Duration::from_millis(100);

/// What one step achieved.
#[derive(Debug, PartialEq)]
pub enum Step {
    /// This is on its way as a whole, or, without an end, begins to be.
    Sent(Note),
    /// Nothing worth a note.
    Moved,
    /// The connection is to be closed.
    Close,
}

/// Everything not yet written.
#[derive(Default)]
pub struct Outbox {
    dialect: Dialect,
    /// Not yet due; the number keeps the order of what is due at once.
    waiting: BTreeMap<(Instant, u64), Outgoing>,
    number: u64,
    queue: VecDeque<Outgoing>,
    current: Option<Writing>,
}

/// What is being written.
struct Writing {
    bytes: Vec<u8>,
    written: usize,
    began: Instant,
    over: Duration,
    /// For when it is written.
    note: Option<Note>,
    /// Bytes to be made after these.
    left: u64,
    noise: Option<ChaCha8Rng>,
}

impl Outbox {
    /// With messages in this dialect.
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, ..Self::default() }
    }

    /// Queues `outgoing` for its time; drops it where 65,536 wait.
    pub fn push(&mut self, outgoing: Outgoing) {
        if self.queue.len() + self.waiting.len() >= MOST {
            return;
        }
        if outgoing.after.is_zero() {
            self.queue.push_back(outgoing);
        } else {
            self.number += 1;
            self.waiting.insert((Instant::now() + outgoing.after, self.number), outgoing);
        }
    }

    /// Writes on. May be dropped at any time without a loss; never ready while there is nothing to write.
    ///
    /// # Errors
    /// Those of the stream.
    pub async fn step(&mut self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<Step> {
        loop {
            self.wake();
            let Some(writing) = &mut self.current else {
                match self.queue.pop_front() {
                    Some(outgoing) => match self.begin(outgoing) {
                        Some(step) => return Ok(step),
                        None => continue,
                    },
                    None => match self.waiting.first_key_value() {
                        Some((&(due, _), _)) => sleep_until(due).await,
                        None => pending().await,
                    },
                }
                continue;
            };
            if writing.written == writing.bytes.len() && !writing.refill() {
                let note = writing.note.take();
                self.current = None;
                return Ok(note.map_or(Step::Moved, Step::Sent));
            }
            let (end, next) = writing.allowed();
            if writing.written < end {
                let wrote = to.write(&writing.bytes[writing.written..end]).await?;
                if wrote == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                writing.written += wrote;
            } else {
                sleep_until(next).await;
            }
        }
    }

    /// Queues what waited long enough.
    fn wake(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.waiting.first_entry().filter(|entry| entry.key().0 <= now) {
            self.queue.push_back(entry.remove());
        }
    }

    fn begin(&mut self, outgoing: Outgoing) -> Option<Step> {
        let (bytes, note) = match outgoing.payload {
            Payload::Close => return Some(Step::Close),
            Payload::Filler(bytes) => return self.stream(bytes, None),
            Payload::Noise { bytes, seed } => {
                return self.stream(bytes, Some(ChaCha8Rng::seed_from_u64(seed)));
            }
            Payload::Message(message) => {
                let (bytes, note) = self.dialect.write(&message);
                (bytes, Some(note))
            }
            Payload::Line(line) => {
                let (_, note) = self.dialect.read(line.as_bytes());
                (line.into_bytes(), note)
            }
        };
        let mut bytes = bytes;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        bytes.extend_from_slice(if outgoing.crlf { b"\r\n" } else { b"\n" });
        self.current =
            Some(Writing { bytes, written: 0, began: Instant::now(), over: outgoing.over, note, left: 0, noise: None });
        None
    }

    fn stream(&mut self, left: u64, noise: Option<ChaCha8Rng>) -> Option<Step> {
        self.current = Some(Writing {
            bytes: Vec::new(),
            written: 0,
            began: Instant::now(),
            over: Duration::ZERO,
            note: None,
            left,
            noise,
        });
        Some(Step::Sent(Note::junk(left)))
    }
}

impl Writing {
    /// How many bytes may be written by now, and when there will be more.
    fn allowed(&self) -> (usize, Instant) {
        let slices = (self.over.as_millis() / SLICE.as_millis()).clamp(1, self.bytes.len().max(1) as u128);
        if self.over.is_zero() {
            return (self.bytes.len(), self.began);
        }
        let passed = (self.began.elapsed().as_nanos() * slices / self.over.as_nanos()).min(slices);
        let next = self.over.as_nanos() * (passed + 1) / slices;
        // Rounded up to whole milliseconds, the finest that timers know.
        let next = Duration::from_millis(u64::try_from(next.div_ceil(1_000_000)).unwrap_or(u64::MAX));
        ((self.bytes.len() as u128 * passed / slices) as usize, self.began + next)
    }

    /// The next bytes of filler or noise, if any are left.
    fn refill(&mut self) -> bool {
        let chunk = self.left.min(CHUNK);
        self.left -= chunk;
        self.written = 0;
        self.bytes.clear();
        self.bytes.resize(chunk as usize, b'x');
        if let Some(rng) = &mut self.noise {
            rng.fill_bytes(&mut self.bytes);
            if let Some(last) = self.bytes.last_mut().filter(|_| self.left == 0) {
                *last = b'\n';
            }
        }
        chunk > 0
    }
}

#[cfg(test)]
mod tests {
    use node::wire::{Message, encode};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_due_is_written_in_order_and_what_is_too_much_is_dropped() {
        let mut outbox = Outbox::default();
        let line = |n: u64, after| Outgoing { after: Duration::from_secs(after), ..Message::BlockInventory(n).into() };
        outbox.push(line(3, 2));
        outbox.push(line(2, 1));
        outbox.push(line(4, 2));
        outbox.push(line(1, 0));
        for n in 5..MOST as u64 + 10 {
            outbox.push(line(n, 3));
        }
        let mut written = Vec::new();
        let all = async {
            while let Ok(step) = outbox.step(&mut written).await {
                assert!(matches!(step, Step::Sent(_)));
            }
        };
        let over = tokio::time::timeout(Duration::from_secs(9), all).await;
        assert!(over.is_err(), "nothing is left, and that is no end");
        let lines: Vec<_> = written.split(|byte| *byte == b'\n').collect();
        let expected = (1..=MOST as u64).map(|n| encode(&Message::BlockInventory(n)));
        assert_eq!(lines.len(), MOST + 1);
        assert!(lines.iter().zip(expected).all(|(line, expected)| expected.starts_with(line)));
    }
}
