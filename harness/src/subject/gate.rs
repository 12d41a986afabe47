//! A pause: what is behind a closed gate isn't polled, as a stopped process isn't scheduled.
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Opens and closes for everything that was given a clone of it. Time goes on while it is closed.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    closed: bool,
    suppressed: u64,
    waiting: Vec<Waker>,
}

impl Gate {
    /// Nothing behind the gate is polled from now on.
    pub fn pause(&self) {
        self.lock().closed = true;
    }

    /// Everything that wanted to be polled meanwhile is polled again.
    pub fn resume(&self) {
        let waiting = {
            let mut state = self.lock();
            state.closed = false;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether the gate is closed.
    pub fn is_paused(&self) -> bool {
        self.lock().closed
    }

    /// How often something wanted to run and was not let: the evidence that a pause bit.
    pub fn suppressed(&self) -> u64 {
        self.lock().suppressed
    }

    /// Whether the gate is closed before something that wants to run: it counts as suppressed.
    pub fn holds(&self) -> bool {
        let mut state = self.lock();
        state.suppressed += u64::from(state.closed);
        state.closed
    }

    /// `Pending` while the gate is closed; the task is woken when it opens.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if !state.closed {
            return Poll::Ready(());
        }
        state.suppressed += 1;
        if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// `future`, behind the gate.
    pub fn wrap<F: Future>(&self, future: F) -> Gated<F> {
        Gated { gate: self.clone(), future: Box::pin(future) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A future behind a [`Gate`].
#[derive(Debug)]
pub struct Gated<F> {
    gate: Gate,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Gated<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.gate.poll(cx) {
            Poll::Ready(()) => self.future.as_mut().poll(cx),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_due_in_a_pause_happens_at_its_end() {
        let gate = Gate::default();
        let start = Instant::now();
        let task = tokio::spawn(gate.wrap(async move {
            sleep(Duration::from_secs(1)).await;
            start.elapsed()
        }));
        tokio::task::yield_now().await;
        gate.pause();
        sleep(Duration::from_secs(5)).await;
        assert!(!task.is_finished() && gate.is_paused() && gate.suppressed() > 0);
        gate.resume();
        assert_eq!(task.await.unwrap().as_secs(), 5);
    }
}
