//! One socket: bytes to inputs, messages to bytes.
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::line_budget::Share;
use crate::protocol::{ConnId, Input};
use crate::wire::{Decoded, LineDecoder, Message, decode, encode};

/// Bytes that may wait to be sent to one peer (D-27).
const QUEUE: usize = 4 << 20;

/// Bytes read at once.
const CHUNK: usize = 16 << 10;

/// What the driver hears from connections.
pub(super) type Inbox = mpsc::Sender<(ConnId, Input)>;

/// The driver's end of a connection. Dropping it closes the connection, once what is queued has had its moment.
#[derive(Debug)]
pub(super) struct Link {
    lines: mpsc::UnboundedSender<Vec<u8>>,
    queued: Arc<AtomicUsize>,
    _open: oneshot::Sender<Infallible>,
}

/// A peer that lets its queue fill.
#[derive(Debug)]
pub(super) struct QueueFull;

impl Link {
    /// Queues a message. One that no longer fits is an error, and the connection has to be closed.
    pub fn send(&self, message: &Message) -> Result<(), QueueFull> {
        let line = encode(message);
        let queued = self.queued.load(Ordering::Relaxed) + line.len();
        if queued > QUEUE {
            return Err(QueueFull);
        }
        self.queued.fetch_add(line.len(), Ordering::Relaxed);
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
    let queued = Arc::new(AtomicUsize::new(0));
    let link = Link { lines, queued: queued.clone(), _open: open };
    let work = async move {
        let (read, write) = tokio::io::split(stream);
        let mut writer = pin!(write_lines(write, queue, &queued));
        let reader = async {
            let reason = read_lines(read, conn, &inbox, share).await;
            let _ = inbox.send((conn, Input::Closed { conn, reason })).await;
            // What the driver answers to the last messages may still leave.
            pending::<Infallible>().await
        };
        // The writer comes before the reader, which may always have something to read.
        tokio::select! {
            biased;
            _ = closing => {}
            result = &mut writer => {
                let reason = result.map_or_else(|error| reason(&error), |()| "closed".to_owned());
                let _ = inbox.send((conn, Input::Closed { conn, reason })).await;
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
    queued: &AtomicUsize,
) -> io::Result<()> {
    while let Some(line) = queue.recv().await {
        write.write_all(&line).await?;
        queued.fetch_sub(line.len(), Ordering::Relaxed);
        if queue.is_empty() {
            write.flush().await?;
        }
    }
    write.shutdown().await
}

/// Reads until the end and returns its reason.
async fn read_lines(read: impl AsyncRead + Unpin, conn: ConnId, inbox: &Inbox, share: Share) -> String {
    let close = share.close();
    tokio::select! {
        biased;
        () = close.notified() => "line budget".to_owned(),
        reason = read_all(read, conn, inbox, share) => reason,
    }
}

async fn read_all(mut read: impl AsyncRead + Unpin, conn: ConnId, inbox: &Inbox, mut share: Share) -> String {
    let mut decoder = LineDecoder::default();
    let mut chunk = vec![0; CHUNK];
    loop {
        let mut bytes = match read.read(&mut chunk).await {
            Ok(0) => return "closed by peer".to_owned(),
            Ok(n) => &chunk[..n],
            Err(error) => return reason(&error),
        };
        loop {
            match decoder.push(&mut bytes) {
                // Room first, then the message: a peer's decoded messages are at most those in the inbox.
                Ok(Some(line)) => match inbox.reserve().await {
                    Ok(room) => {
                        if let Some(input) = input(conn, &line) {
                            room.send((conn, input));
                        }
                    }
                    // The driver is gone, and so is who would want the reason.
                    Err(_) => return "shutdown".to_owned(),
                },
                Ok(None) => break,
                Err(_) => return "line too long".to_owned(),
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
