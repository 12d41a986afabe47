//! Log lines as tests see them.
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Keeps each line as `LEVEL event field=value ... | message`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<String>>);

impl Capture {
    /// What writes here.
    pub fn subscriber(&self) -> impl Subscriber {
        tracing_subscriber::registry().with(self.clone())
    }

    /// The lines so far.
    pub fn lines(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Default)]
struct Line {
    name: String,
    fields: String,
    message: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "event" => self.name = format!("{value:?}"),
            "message" => self.message = format!("{value:?}"),
            name => self.fields += &format!(" {name}={value:?}"),
        }
    }
}

impl<S: Subscriber> Layer<S> for Capture {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let meta = event.metadata();
        assert_eq!(meta.target(), "node");
        let Line { name, fields, message } = line;
        *self.0.lock().unwrap() += &format!("{} {name}{fields} | {message}\n", meta.level());
    }
}
