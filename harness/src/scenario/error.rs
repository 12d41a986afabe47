//! What is wrong with a scenario file, shown at its place.
use std::fmt;
use std::io;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};
use thiserror::Error;

use super::yaml::Place;

/// Why there is no scenario.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The path is missing, no file, or not readable: the environment's fault.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file's content is wrong.
    #[error(transparent)]
    Wrong(Box<ScenarioError>),
}

impl From<ScenarioError> for LoadError {
    fn from(error: ScenarioError) -> Self {
        Self::Wrong(Box::new(error))
    }
}

/// Everything that is wrong with one file. Its display shows each mistake with line, caret and advice.
#[derive(Debug, Clone, PartialEq, Error)]
pub struct ScenarioError {
    /// The file, as it is named in messages.
    pub file: String,
    /// At least one, in order of the file.
    pub problems: Vec<Problem>,
    pub(super) text: String,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Where; `None`: the file as a whole.
    pub place: Option<Place>,
    /// What is wrong.
    pub title: String,
    /// What is allowed, or meant.
    pub help: Option<String>,
}

/// More are counted, not shown.
const SHOWN: usize = 20;

impl Problem {
    /// A mistake at `place`.
    pub fn new(place: impl Into<Option<Place>>, title: impl Into<String>) -> Self {
        Self { place: place.into(), title: title.into(), help: None }
    }

    /// With what is allowed, or meant.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn render(&self, file: &str, text: &str) -> String {
        let title = Level::ERROR.primary_title(self.title.as_str());
        let mut report = match &self.place {
            None => title.element(Origin::path(file)),
            Some(place) => {
                let line = Line::around(text, place);
                let mark = AnnotationKind::Primary.span(line.mark);
                title.element(Snippet::source(line.text).path(file).line_start(line.number).annotation(mark))
            }
        };
        if let Some(help) = &self.help {
            report = report.element(Level::HELP.message(help.as_str()));
        }
        Renderer::plain().term_width(120).render(&[report])
    }
}

/// One line of the text, and what to mark in it.
struct Line<'a> {
    text: &'a str,
    number: usize,
    mark: std::ops::Range<usize>,
}

impl<'a> Line<'a> {
    fn around(text: &'a str, place: &Place) -> Self {
        let at = floor_boundary(text, place.bytes.start);
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
        let line = text[start..end].trim_end_matches('\r');
        let from = (at - start).min(line.len());
        let to = floor_boundary(text, place.bytes.end).clamp(at, end) - start;
        // A place without a length (the start of a mapping): its first word.
        let word = line[from..].find([' ', ':', ',']).map_or(line.len(), |length| from + length);
        let to = if to > from { to.min(line.len()) } else { word };
        Self { text: line, number: text[..start].matches('\n').count() + 1, mark: from..to }
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> =
            self.problems.iter().take(SHOWN).map(|problem| problem.render(&self.file, &self.text)).collect();
        f.write_str(&shown.join("\n\n"))?;
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n\nand {more} more"),
        }
    }
}
