//! One byte stream to a node: lines in, lines out, and a record of both. Knows nothing of what they mean.
use std::future::pending;
use std::ops::Range;

use node::wire::{Decoded, LineDecoder, Message};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadHalf, WriteHalf, split};
use tokio::time::{Instant, sleep_until};

use super::dialect::Dialect;
use super::note::Note;
use super::outbox::{Outbox, Step};
use super::outgoing::Outgoing;
use super::recorder::Recorder;

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
    dialect: Dialect,
    recorder: Recorder,
    time_scale: u32,
    /// How the node's side ended it, where it did.
    ended: Option<&'static str>,
}

impl<S: AsyncRead + AsyncWrite> Connection<S> {
    /// Around an open stream, in the other end's dialect. Times of what is sent are divided by `time_scale`, 1 or more.
    pub fn new(stream: S, recorder: Recorder, dialect: Dialect, time_scale: u32) -> Self {
        let (reader, writer) = split(stream);
        Self {
            reader,
            writer,
            chunk: vec![0; CHUNK],
            fresh: 0..0,
            lines: LineDecoder::default(),
            outbox: Outbox::new(dialect.clone()),
            dialect,
            recorder,
            time_scale,
            ended: None,
        }
    }

    /// Queues; [`Connection::next`] writes.
    pub fn send(&mut self, outgoing: impl IntoIterator<Item = Outgoing>) {
        for mut one in outgoing {
            one.after /= self.time_scale;
            one.over /= self.time_scale;
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
                () = sums => self.recorder.flush(Instant::now()),
                step = self.outbox.step(&mut self.writer) => match step {
                    Ok(Step::Sent(note)) => self.recorder.note(true, note, Instant::now()),
                    Ok(Step::Moved) => {}
                    Ok(Step::Close) => return None,
                    Err(_) => return self.over("reset"),
                },
                read = self.reader.read(&mut self.chunk), if reads => match read {
                    Ok(0) => return self.over("closed_by_node"),
                    Err(_) => return self.over("reset"),
                    Ok(bytes) => self.fresh = 0..bytes,
                },
            }
        }
    }

    fn over(&mut self, how: &'static str) -> Option<Message> {
        self.ended = Some(how);
        None
    }

    /// Closes it; how it ended, as the node sees it.
    pub fn close(self) -> &'static str {
        self.recorder.finish(Instant::now());
        self.ended.unwrap_or("closed_by_peer")
    }

    /// The next message in what was read; `Some(None)` where there is another thing or no whole line, `None` where a line is too long.
    fn decode(&mut self) -> Option<Option<Message>> {
        let mut rest = &self.chunk[self.fresh.clone()];
        let Ok(line) = self.lines.push(&mut rest) else {
            self.recorder.note(false, Note::junk(self.fresh.len() as u64), Instant::now());
            return None;
        };
        self.fresh.start = self.fresh.end - rest.len();
        let Some(line) = line else { return Some(None) };
        let (decoded, note) = self.dialect.read(&line);
        if let Some(note) = note {
            self.recorder.note(false, note, Instant::now());
        }
        Some(match decoded {
            Ok(Decoded::Message(message)) => Some(message),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::time::{Instant, sleep};

    use crate::peer::testing::{met, number, ping};

    #[tokio::test(start_paused = true)]
    async fn what_is_no_message_is_recorded_and_passed_over() {
        let (play, mut end) = met([]).await;
        let lines = b"{\"FutureThing\":{}}\n[[[\r\n\n\xff\n\"GetPeers\"\r\n";
        for part in lines.chunks(7) {
            end.0.write_all(part).await.unwrap();
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(end.answer().await.name(), "PeersResponse");
        assert_eq!(play.recorded(false, "FutureThing").len(), 1);
        let undecodable = play.recorded(false, "undecodable");
        let bytes: Vec<_> = undecodable.iter().map(|fields| number(fields, "bytes")).collect();
        assert_eq!(bytes, [4, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_over_the_limit_closes_the_connection() {
        let (play, mut end) = met([]).await;
        let endless = async {
            let part = [b'x'; 16 * 1024];
            while end.0.write_all(&part).await.is_ok() {}
        };
        endless.await;
        assert_eq!(play.recorded(false, "junk").len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_does_not_read_holds_up_answers_but_not_reading() {
        let (play, mut end) = met([]).await;
        let began = Instant::now();
        for nonce in 0..3_000 {
            end.send(&ping(nonce)).await;
        }
        sleep(Duration::from_secs(2)).await;
        let counted = |sent| {
            let records = play.recorded(sent, if sent { "Pong" } else { "Ping" });
            let counts = records.iter().map(|fields| fields.get("count").map_or(1, |_| number(fields, "count")));
            counts.sum::<u64>()
        };
        assert_eq!(counted(false), 3_000);
        assert!(counted(true) < 2_000, "the pipe is full");
        for nonce in 0..3_000 {
            let node::wire::Message::Pong { nonce: got, .. } = end.answer().await else { panic!() };
            assert_eq!(got, nonce);
        }
        assert!(began.elapsed() < Duration::from_secs(3));
    }
}
