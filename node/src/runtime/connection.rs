//! One socket: bytes to inputs, messages to bytes.
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use super::line_budget::Share;
use crate::protocol::{ConnId, Input};
use crate::wire::{Decoded, LineDecoder, MAX_LINE, Message, decode, encode};

/// Bytes that may wait to be sent to one peer (D-27).
const QUEUE: usize = 4 << 20;

/// Bytes read at once.
const CHUNK: usize = 16 << 10;

/// Messages that may wait for the driver. Connections wait for room in turn, so that a flood is a few messages deep.
const INBOX: usize = 8;

/// Bytes of lines whose messages may wait: one of the longest, or many short ones. Decoded, a line may take many times its bytes.
const ROOM: usize = MAX_LINE;

/// What the driver hears from connections.
pub(super) struct Heard {
    pub conn: ConnId,
    pub input: Input,
    /// Given back when the driver is done with it.
    pub room: Option<OwnedSemaphorePermit>,
}

/// Where connections leave what they have to say.
#[derive(Debug, Clone)]
pub(super) struct Inbox {
    messages: mpsc::Sender<Heard>,
    room: Arc<Semaphore>,
}

/// An inbox, and the end where the driver listens.
pub(super) fn inbox() -> (Inbox, mpsc::Receiver<Heard>) {
    let (messages, heard) = mpsc::channel(INBOX);
    (Inbox { messages, room: Arc::new(Semaphore::new(ROOM)) }, heard)
}

impl Inbox {
    /// Decodes a line once there is room for it, and hands it over. `None` when the driver is gone.
    async fn take(&self, conn: ConnId, line: Vec<u8>) -> Option<()> {
        let bytes = u32::try_from(line.len()).ok()?;
        let room = Some(self.room.clone().acquire_many_owned(bytes).await.ok()?);
        let place = self.messages.reserve().await.ok()?;
        if let Some(input) = input(conn, &line) {
            place.send(Heard { conn, input, room });
        }
        Some(())
    }

    /// The connection's last word.
    async fn closed(&self, conn: ConnId, reason: String, by_us: bool) {
        let input = Input::Closed { conn, reason, by_us };
        let _ = self.messages.send(Heard { conn, input, room: None }).await;
    }
}

/// The driver's end of a connection. Dropping it closes the connection, once what is queued has had its moment.
#[derive(Debug)]
pub(super) struct Link {
    lines: mpsc::UnboundedSender<Vec<u8>>,
    queued: Arc<Queued>,
    _open: oneshot::Sender<Infallible>,
}

/// Bytes that wait to be sent to one peer, counted among all that sockets hold, too.
#[derive(Debug)]
struct Queued {
    bytes: AtomicUsize,
    of_all: Arc<AtomicUsize>,
}

impl Queued {
    fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.of_all.fetch_add(bytes, Ordering::Relaxed);
    }

    fn sub(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.of_all.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.sub(self.bytes());
    }
}

/// A peer that lets its queue fill.
#[derive(Debug)]
pub(super) struct QueueFull;

impl Link {
    /// Queues a message. One that no longer fits is an error, and the connection has to be closed.
    pub fn send(&self, message: &Message) -> Result<(), QueueFull> {
        let line = encode(message);
        if self.queued.bytes() + line.len() > QUEUE {
            return Err(QueueFull);
        }
        self.queued.add(line.len());
        // Fails where the connection has just ended by itself: that is on its way to the driver.
        let _ = self.lines.send(line);
        Ok(())
    }
}

/// Makes a connection of `stream`: the driver's end, and the future that does the work.
///
/// Messages, and at last `Input::Closed`, go to `inbox`, unless the driver closes first; then the queue may drain for
/// `linger`.
pub(super) fn open<S>(
    stream: S,
    conn: ConnId,
    inbox: Inbox,
    share: Share,
    linger: Duration,
) -> (Link, impl Future<Output = ()>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (lines, queue) = mpsc::unbounded_channel();
    let (open, closing) = oneshot::channel();
    let queued = Arc::new(Queued { bytes: AtomicUsize::new(0), of_all: share.of_all() });
    let link = Link { lines, queued: queued.clone(), _open: open };
    let work = async move {
        let (read, write) = tokio::io::split(stream);
        let mut writer = pin!(write_lines(write, queue, &queued));
        let reader = async {
            let End { reason, by_us } = read_lines(read, conn, &inbox, share).await;
            inbox.closed(conn, reason, by_us).await;
            // What the driver answers to the last messages may still leave.
            pending::<Infallible>().await
        };
        // The writer comes before the reader, which may always have something to read.
        tokio::select! {
            biased;
            _ = closing => {}
            result = &mut writer => {
                let reason = result.map_or_else(|error| reason(&error), |()| "closed".to_owned());
                inbox.closed(conn, reason, false).await;
                return;
            }
            never = reader => match never {},
        }
        let _ = timeout(linger, writer).await;
    };
    (link, work)
}

/// Writes what is queued, until the driver drops its end and all is written.
async fn write_lines(
    mut write: impl AsyncWrite + Unpin,
    mut queue: mpsc::UnboundedReceiver<Vec<u8>>,
    queued: &Queued,
) -> io::Result<()> {
    while let Some(line) = queue.recv().await {
        write.write_all(&line).await?;
        queued.sub(line.len());
        if queue.is_empty() {
            write.flush().await?;
        }
    }
    write.shutdown().await
}

/// Why there is nothing more to read.
struct End {
    reason: String,
    /// Because of a limit of ours.
    by_us: bool,
}

impl End {
    fn ours(limit: &str) -> Self {
        Self { reason: limit.to_owned(), by_us: true }
    }

    fn theirs(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), by_us: false }
    }
}

/// Reads until the end.
async fn read_lines(read: impl AsyncRead + Unpin, conn: ConnId, inbox: &Inbox, share: Share) -> End {
    let close = share.close();
    tokio::select! {
        biased;
        () = close.notified() => End::ours("line budget"),
        end = read_all(read, conn, inbox, share) => end,
    }
}

async fn read_all(mut read: impl AsyncRead + Unpin, conn: ConnId, inbox: &Inbox, mut share: Share) -> End {
    let mut decoder = LineDecoder::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        let mut bytes = match read.read(&mut chunk).await {
            Ok(0) => return End::theirs("closed by peer"),
            Ok(n) => &chunk[..n],
            Err(error) => return End::theirs(reason(&error)),
        };
        loop {
            match decoder.push(&mut bytes) {
                Ok(Some(line)) => {
                    if inbox.take(conn, line).await.is_none() {
                        // The driver is gone, and so is who would want the reason.
                        return End::ours("shutdown");
                    }
                }
                Ok(None) => break,
                Err(_) => return End::ours("line too long"),
            }
        }
        share.set(decoder.buffered());
    }
}

fn input(conn: ConnId, line: &[u8]) -> Option<Input> {
    match decode(line) {
        Ok(Decoded::Message(message)) => Some(Input::Received { conn, message }),
        Ok(Decoded::Unknown(name)) => Some(Input::ReceivedUnknown { conn, name }),
        Ok(Decoded::Empty) => None,
        Err(error) => Some(Input::Malformed { conn, reason: error.to_string() }),
    }
}

fn reason(error: &io::Error) -> String {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error.kind() {
        ConnectionReset | ConnectionAborted | BrokenPipe => "connection reset".to_owned(),
        UnexpectedEof => "closed by peer".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::time::Instant;

    use super::super::line_budget::LineBudget;
    use super::*;

    const CONN: ConnId = ConnId(1);
    const LINGER: Duration = Duration::from_secs(1);

    struct Opened {
        link: Link,
        peer: DuplexStream,
        inbox: mpsc::Receiver<Heard>,
        work: tokio::task::JoinHandle<()>,
    }

    /// A connection over a pipe that holds `pipe` bytes in each direction.
    fn opened(pipe: usize) -> Opened {
        let (ours, peer) = duplex(pipe);
        let (sender, inbox) = inbox();
        let share = LineBudget::new(usize::MAX, Arc::default()).share(CONN);
        let (link, work) = open(ours, CONN, sender, share, LINGER);
        Opened { link, peer, inbox, work: tokio::spawn(work) }
    }

    /// A message whose line has about `bytes` bytes.
    fn long(bytes: usize) -> Message {
        Message::Ack { message_type: "x".repeat(bytes) }
    }

    async fn heard(inbox: &mut mpsc::Receiver<Heard>) -> Option<Input> {
        inbox.recv().await.map(|heard| heard.input)
    }

    async fn closed(inbox: &mut mpsc::Receiver<Heard>) -> String {
        match heard(inbox).await {
            Some(Input::Closed { conn: CONN, reason, by_us }) => {
                assert_eq!(by_us, reason == "line too long", "{reason}");
                reason
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn lines_become_inputs_in_order() {
        let Opened { link: _link, mut peer, mut inbox, work: _ } = opened(7);
        let bytes: &[u8] =
            b"\"GetPeers\"\r\n\n{\"Later\":1}\nnonsense\n{\"BlockInventory\":18446744073709551615}\n\"half";
        tokio::spawn(async move { peer.write_all(bytes).await.unwrap() });
        let mut seen = Vec::new();
        loop {
            match heard(&mut inbox).await.unwrap() {
                Input::Received { message, .. } => seen.push(format!("{message:?}")),
                Input::ReceivedUnknown { name, .. } => seen.push(name),
                Input::Malformed { reason, .. } => seen.push(reason[..8].to_owned()),
                Input::Closed { reason, .. } => break seen.push(reason),
                other => panic!("{other:?}"),
            }
        }
        let want = ["GetPeers", "Later", "not json", "BlockInventory(18446744073709551615)", "closed by peer"];
        assert_eq!(seen, want);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_queued_leaves_before_a_close() {
        let Opened { link, mut peer, inbox: _inbox, work } = opened(1000);
        for _ in 0..10 {
            link.send(&long(10_000)).unwrap();
        }
        drop(link);
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.iter().filter(|byte| **byte == b'\n').count(), 10);
        work.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_close_waits_for_a_mute_peer_no_longer_than_the_linger() {
        let Opened { link, mut peer, mut inbox, work } = opened(1000);
        link.send(&long(10_000)).unwrap();
        let start = Instant::now();
        drop(link);
        peer.write_all(b"\"GetPeers\"\n").await.unwrap();
        work.await.unwrap();
        assert_eq!(start.elapsed(), LINGER);
        assert!(inbox.recv().await.is_none(), "nothing more is read");
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_holds_four_mib_and_empties_as_it_is_read() {
        let Opened { link, mut peer, inbox: _inbox, work: _ } = opened(1000);
        let line = encode(&long(1 << 20)).len();
        for _ in 0..3 {
            link.send(&long(1 << 20)).unwrap();
        }
        link.send(&long((1 << 20) - 4 * (line - (1 << 20)))).unwrap();
        assert_eq!(link.queued.bytes(), QUEUE);
        assert!(link.send(&Message::GetPeers).is_err());
        let mut one = vec![0; line];
        peer.read_exact(&mut one).await.unwrap();
        tokio::task::yield_now().await;
        link.send(&Message::GetPeers).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_inbox_stops_the_reader_but_not_the_writer() {
        let Opened { link, mut peer, mut inbox, work: _ } = opened(100_000);
        let asked = b"\"GetPeers\"\n".repeat(1000);
        peer.write_all(&asked).await.unwrap();
        link.send(&Message::GetMasternodes).unwrap();
        let mut answer = [0; 17];
        peer.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"\"GetMasternodes\"\n");
        assert_eq!(inbox.len(), INBOX, "as many as it has room for");
        drop(peer);
        for _ in 0..1000 {
            assert!(matches!(heard(&mut inbox).await, Some(Input::Received { conn: CONN, .. })));
        }
        assert_eq!(closed(&mut inbox).await, "closed by peer");
    }

    #[tokio::test(start_paused = true)]
    async fn one_long_line_is_decoded_at_a_time() {
        let Opened { link: _link, mut peer, mut inbox, work: _ } = opened(1 << 20);
        tokio::spawn(async move {
            for _ in 0..4 {
                peer.write_all(&encode(&long(MAX_LINE / 2))).await.unwrap();
            }
            // The pipe's end would be one more message.
            pending::<()>().await;
        });
        for _ in 0..4 {
            tokio::time::sleep(LINGER).await;
            assert_eq!(inbox.len(), 1, "two are more than {ROOM} bytes");
            let first = inbox.recv().await.unwrap();
            tokio::time::sleep(LINGER).await;
            assert_eq!(inbox.len(), 0, "the driver is not done with the first");
            drop(first);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_went_away_is_noticed_by_the_writer() {
        let Opened { link, peer, mut inbox, work: _ } = opened(1000);
        link.send(&long(10_000)).unwrap();
        tokio::task::yield_now().await;
        drop(peer);
        assert_eq!(closed(&mut inbox).await, "connection reset");
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_over_the_limit_ends_it() {
        for (length, reason) in
            [(crate::wire::MAX_LINE, "closed by peer"), (crate::wire::MAX_LINE + 1, "line too long")]
        {
            let Opened { link: _link, mut peer, mut inbox, work: _ } = opened(1 << 20);
            tokio::spawn(async move {
                // Blanks are no message and no offence; the end of a line that is too long finds nobody.
                let _ = peer.write_all(&vec![b' '; length]).await;
                let _ = peer.write_all(b"\n").await;
            });
            assert_eq!(closed(&mut inbox).await, reason);
        }
    }
}
