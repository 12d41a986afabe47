//! One byte stream to a node: lines in, lines out, and a record of both. Knows nothing of what they mean.
use std::future::pending;
use std::ops::Range;

use node::wire::{Decoded, LineDecoder, Message, decode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadHalf, WriteHalf, split};
use tokio::time::sleep_until;

use super::outbox::{Outbox, Step};
use super::outgoing::Outgoing;
use super::recorder::{Note, Recorder};

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// A connection, whoever dialled it.
pub struct Connection<S> {
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    chunk: Vec<u8>,
    /// The part of `chunk` that isn't decoded yet.
    fresh: Range<usize>,
    lines: LineDecoder,
    outbox: Outbox,
    recorder: Recorder,
}

impl<S: AsyncRead + AsyncWrite> Connection<S> {
    /// Around an open stream.
    pub fn new(stream: S, recorder: Recorder) -> Self {
        let (reader, writer) = split(stream);
        Self {
            reader,
            writer,
            chunk: vec![0; CHUNK],
            fresh: 0..0,
            lines: LineDecoder::default(),
            outbox: Outbox::default(),
            recorder,
        }
    }

    /// Queues; [`Connection::next`] writes.
    pub fn send(&mut self, outgoing: impl IntoIterator<Item = Outgoing>) {
        for one in outgoing {
            self.outbox.push(one);
        }
    }

    /// Writes, and reads where `reads`, until a message has come; `None` when the connection is over, by either side.
    /// What isn't a known message is recorded and passed over. May be dropped at any time without a loss.
    pub async fn next(&mut self, reads: bool) -> Option<Message> {
        loop {
            while reads && !self.fresh.is_empty() {
                match self.decode()? {
                    Some(message) => return Some(message),
                    None => continue,
                }
            }
            let sums = self.recorder.due();
            let sums = async {
                match sums {
                    Some(due) => sleep_until(due).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = sums => self.recorder.flush(),
                step = self.outbox.step(&mut self.writer) => match step {
                    Ok(Step::Sent(note)) => self.recorder.note(true, note),
                    Ok(Step::Moved) => {}
                    Ok(Step::Close) | Err(_) => return None,
                },
                read = self.reader.read(&mut self.chunk), if reads => match read {
                    Ok(0) | Err(_) => return None,
                    Ok(bytes) => self.fresh = 0..bytes,
                },
            }
        }
    }

    /// The next message in what was read; `Some(None)` where there is another thing or no whole line, `None` where a line is too long.
    fn decode(&mut self) -> Option<Option<Message>> {
        let mut rest = &self.chunk[self.fresh.clone()];
        let Ok(line) = self.lines.push(&mut rest) else {
            self.recorder.note(false, Note::junk(self.fresh.len() as u64));
            return None;
        };
        self.fresh.start = self.fresh.end - rest.len();
        let Some(line) = line else { return Some(None) };
        let decoded = decode(&line);
        if let Some(note) = Note::line(&decoded, line.len()) {
            self.recorder.note(false, note);
        }
        Some(match decoded {
            Ok(Decoded::Message(message)) => Some(message),
            _ => None,
        })
    }
}
