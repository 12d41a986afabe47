//! What crosses the core's boundary, for who checks from outside that what it does follows from what it was told. With the feature `mutants`
//! alone; without it, nobody listens and nothing costs anything.
#[cfg(feature = "mutants")]
use std::cell::RefCell;
use std::time::Duration;

use super::{Input, Output};
use crate::chain::{Hash, Height};
use crate::config::Config;

/// One thing that crosses.
#[derive(Debug)]
pub enum Crossing<'a> {
    /// A core begins.
    Began {
        /// Under this configuration.
        config: &'a Config,
        /// On the chain with this first block.
        genesis: Option<Hash>,
    },
    /// It is told something.
    In {
        /// What.
        input: &'a Input,
        /// The height of its chain then.
        tip: Height,
    },
    /// It does something.
    Out(&'a Output),
}

/// Takes all that crosses in this thread, with the time since the core was made.
#[cfg(feature = "mutants")]
pub type Listener = Box<dyn FnMut(Duration, Crossing<'_>)>;

#[cfg(feature = "mutants")]
thread_local!(static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) });

/// Listens while `run` goes on in this thread.
#[cfg(feature = "mutants")]
pub fn listen<T>(listener: Listener, run: impl FnOnce() -> T) -> T {
    /// Also where `run` panics.
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            LISTENER.set(None);
        }
    }
    LISTENER.set(Some(listener));
    let _guard = Guard;
    run()
}

/// Something crosses.
#[cfg(feature = "mutants")]
pub(super) fn crossed<'a>(at: Duration, what: impl FnOnce() -> Crossing<'a>) {
    LISTENER.with_borrow_mut(|listener| {
        if let Some(listener) = listener {
            listener(at, what());
        }
    });
}

/// Something crosses, and nobody listens.
#[cfg(not(feature = "mutants"))]
pub(super) fn crossed<'a>(_: Duration, _: impl FnOnce() -> Crossing<'a>) {}
