//! Asking a running loop where it stands.
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::protocol::Status;

/// Questions that may wait for the loop; who asks more waits for room.
const QUESTIONS: usize = 32;

/// A loop that has not answered by then counts as stuck.
const PATIENCE: Duration = Duration::from_secs(2);

type Question = oneshot::Sender<Arc<Status>>;

/// Asks; a clone asks the same loop.
#[derive(Debug, Clone)]
pub struct StatusHandle(mpsc::Sender<Question>);

/// The loop's end.
#[derive(Debug)]
pub struct StatusPort(mpsc::Receiver<Question>);

/// The loop has ended, or has not answered within 2 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node's loop does not answer")]
pub struct NoAnswer;

/// Both ends of what carries questions.
pub fn status_channel() -> (StatusHandle, StatusPort) {
    let (asking, asked) = mpsc::channel(QUESTIONS);
    (StatusHandle(asking), StatusPort(asked))
}

impl StatusHandle {
    /// Where the node stands now.
    ///
    /// # Errors
    /// [`NoAnswer`] after 2 s, or at once where the loop has ended.
    pub async fn ask(&self) -> Result<Arc<Status>, NoAnswer> {
        let (question, answer) = oneshot::channel();
        let asked = async {
            self.0.send(question).await.map_err(|_| NoAnswer)?;
            answer.await.map_err(|_| NoAnswer)
        };
        timeout(PATIENCE, asked).await.unwrap_or(Err(NoAnswer))
    }
}

/// Everybody who waits for an answer.
pub(super) struct Askers(Vec<Question>);

impl Askers {
    /// Gives all of them the same answer.
    pub fn answer(self, status: Status) {
        let status = Arc::new(status);
        for question in self.0 {
            // Who no longer waits needs no answer.
            let _ = question.send(status.clone());
        }
    }
}

/// The next who ask, once there are some; never, where nobody can. Safe to cancel.
pub(super) async fn asked(port: &mut Option<StatusPort>) -> Askers {
    let mut askers = Vec::new();
    if let Some(StatusPort(questions)) = port
        && questions.recv_many(&mut askers, QUESTIONS).await > 0
    {
        return Askers(askers);
    }
    pending().await
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_does_not_answer_is_given_two_seconds() {
        let (handle, port) = status_channel();
        let start = Instant::now();
        assert_eq!(handle.ask().await, Err(NoAnswer));
        assert_eq!(start.elapsed(), PATIENCE);
        drop(port);
        assert_eq!(handle.ask().await, Err(NoAnswer));
        assert_eq!(start.elapsed(), PATIENCE, "at once");
    }
}
