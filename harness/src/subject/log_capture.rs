//! Simulated nodes' log lines, as they wrote them: who was running says whose line it is.
use std::cell::Cell;
use std::fmt::Debug;
use std::pin::Pin;
use std::task::{Context, Poll};

use tracing::field::{Field as Name, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::history::{Field, Fields, What};

/// The target of the reference node's lines.
const TARGET: &str = "node";

thread_local!(static RUNNING: Cell<Option<usize>> = const { Cell::new(None) });

/// A node's future: what is logged while it runs is the node's.
pub struct Attributed<F> {
    node: usize,
    future: Pin<Box<F>>,
}

impl<F> Attributed<F> {
    /// The future of the node with this number.
    pub fn new(node: usize, future: F) -> Self {
        Self { node, future: Box::pin(future) }
    }
}

impl<F: Future> Future for Attributed<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { node, future } = &mut *self;
        attributed(*node, || future.as_mut().poll(cx))
    }
}

/// What is logged in `run`, and what crosses a core's boundary there, is the node's with this number.
pub fn attributed<T>(node: usize, run: impl FnOnce() -> T) -> T {
    /// Also where `run` panics.
    struct Outer(Option<usize>);
    impl Drop for Outer {
        fn drop(&mut self) {
            RUNNING.set(self.0);
        }
    }
    let _outer = Outer(RUNNING.replace(Some(node)));
    run()
}

/// The number of the node that runs.
pub fn running() -> Option<usize> {
    RUNNING.get()
}

/// A subscriber for the thread of one simulation: takes lines of this level and above.
pub struct Capture<T>(pub LevelFilter, pub T);

impl<T: Fn(usize, What) + 'static> Subscriber for Capture<T> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == TARGET && *metadata.level() <= self.0
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0)
    }

    fn event(&self, event: &Event<'_>) {
        let Some(node) = RUNNING.get() else { return };
        let mut line = Line::default();
        event.record(&mut line);
        let level = event.metadata().level().to_string();
        (self.1)(node, What::Log { level, event: line.event, text: line.text, fields: line.fields });
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line {
    event: String,
    text: String,
    fields: Fields,
}

impl Line {
    fn put(&mut self, name: &Name, value: Field) {
        self.fields.insert(name.name().to_owned(), value);
    }
}

impl Visit for Line {
    fn record_u64(&mut self, name: &Name, value: u64) {
        self.put(name, Field::Number(value));
    }

    fn record_i64(&mut self, name: &Name, value: i64) {
        self.put(name, u64::try_from(value).map_or_else(|_| Field::Text(value.to_string()), Field::Number));
    }

    fn record_bool(&mut self, name: &Name, value: bool) {
        self.put(name, Field::Text(value.to_string()));
    }

    fn record_str(&mut self, name: &Name, value: &str) {
        match name.name() {
            "event" => self.event = value.to_owned(),
            "message" => self.text = value.to_owned(),
            _ => self.put(name, Field::Text(value.to_owned())),
        }
    }

    fn record_debug(&mut self, name: &Name, value: &dyn Debug) {
        self.record_str(name, &format!("{value:?}"));
    }
}
