//! Lines that a terminal or a person broke in two.
use super::log::Written;
use crate::replay::told::Place;

/// Lines that are put together, at most.
const MOST_LINES: usize = 4;
/// Bytes that are put together, at most.
const MOST_BYTES: usize = 4096;

/// A line that may go on in the next, and what was put to it so far.
#[derive(Debug, Default)]
pub struct Wrapped {
    text: String,
    /// Where each line begins in the text, and where it stands.
    parts: Vec<(usize, Place)>,
    written: Written,
    /// It ends in a colon: it wasn't compared with the patterns yet.
    pub untried: bool,
}

impl Wrapped {
    /// Keeps a line, instead of the one before.
    pub fn keep(&mut self, text: &str, written: Written, untried: bool) {
        self.clear();
        self.text.push_str(text);
        self.parts.push((0, written.place));
        (self.written, self.untried) = (written, untried);
    }

    /// Keeps none.
    pub fn clear(&mut self) {
        self.text.clear();
        self.parts.clear();
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// What is kept.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Who wrote it.
    pub fn written(&self) -> Written {
        self.written
    }

    /// Its lines.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Place)> {
        let ends = self.parts.iter().skip(1).map(|(start, _)| *start).chain([self.text.len()]);
        self.parts.iter().zip(ends).map(|((start, place), end)| (self.text[*start..end].trim_end(), *place))
    }

    /// With a further line: broken between words, and within one.
    pub fn joined(&self, text: &str) -> [String; 2] {
        [" ", ""].map(|between| [&self.text, between, text].concat())
    }

    /// Keeps a further line; not where it gets too much.
    pub fn add(&mut self, text: &str, place: Place) -> bool {
        let fits = self.parts.len() < MOST_LINES && self.text.len() + text.len() < MOST_BYTES;
        if fits {
            self.text.push(' ');
            self.parts.push((self.text.len(), place));
            self.text.push_str(text);
        }
        fits
    }
}
