//! What one line of a log told.
use std::fmt;

/// One event of a log, as a reader hands it over; nothing is kept of the line.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Which of the reader's hosts wrote it.
    pub host: usize,
    /// When, by that host's clock: microseconds since 1970 (UTC unless the line says otherwise). A line without a time has that of
    /// the host's line before it.
    pub at: i64,
    /// Its name, as the pattern gives it.
    pub event: &'a str,
    /// Fields in the order of the pattern: names, and values as they are written.
    pub fields: &'a [(&'a str, &'a str)],
    /// Where it stands.
    pub place: Place,
}

impl<'a> Told<'a> {
    /// A field as it is written.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// A field that is a whole number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }
}

/// A line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Which of the reader's files.
    pub file: u16,
    /// From 1.
    pub line: u64,
}

/// What a file is called where names are not to be told: `log-2` is the second.
pub fn nameless(file: usize) -> String {
    format!("log-{}", file + 1)
}

/// Text for people: `node-b.log:812`, by the files' names.
pub struct Shown<'a>(pub Place, pub &'a [String]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Place { file, line }, files) = self;
        write!(f, "{}:{line}", files.get(usize::from(*file)).map_or("?", |name| name))
    }
}
