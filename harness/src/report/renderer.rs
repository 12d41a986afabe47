//! Which renderer, where to, and whether in colours.
use std::ffi::OsStr;
use std::io::{self, Write};

use crate::run::ScenarioResult;

use super::{Results, json, junit, terminal};

/// How results are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document at the end; see the `json` module's text.
    Json,
    /// One JUnit XML document at the end.
    Junit,
}

/// Is told each result as its run ends, and all at the end.
pub trait Renderer {
    /// A run has ended.
    ///
    /// # Errors
    /// Those of the writer.
    fn ended(&mut self, result: &ScenarioResult) -> io::Result<()>;

    /// All have ended.
    ///
    /// # Errors
    /// Those of the writer.
    fn finished(&mut self, results: &Results) -> io::Result<()>;
}

/// The renderer of a format for `total` runs. Only text has colours.
pub fn renderer<'a>(format: Format, to: Box<dyn Write + 'a>, colours: bool, total: usize) -> Box<dyn Renderer + 'a> {
    match format {
        Format::Text => Box::new(terminal::Terminal::new(to, colours, total)),
        Format::Json => Box::new(AtTheEnd { to, write: json::write }),
        Format::Junit => Box::new(AtTheEnd { to, write: junit::write }),
    }
}

/// Whether to write in colours: on a terminal, unless the variable `NO_COLOR` is set to anything.
pub fn colours(on_terminal: bool, no_color: Option<&OsStr>) -> bool {
    on_terminal && no_color.is_none_or(OsStr::is_empty)
}

/// Writes one document when all is known.
struct AtTheEnd<'a> {
    to: Box<dyn Write + 'a>,
    write: fn(&mut dyn Write, &Results) -> io::Result<()>,
}

impl Renderer for AtTheEnd<'_> {
    fn ended(&mut self, _: &ScenarioResult) -> io::Result<()> {
        Ok(())
    }

    fn finished(&mut self, results: &Results) -> io::Result<()> {
        (self.write)(&mut *self.to, results)?;
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::results;
    use super::*;

    /// All that a renderer writes of the sample.
    fn rendered(format: Format, colours: bool) -> String {
        let mut bytes = Vec::new();
        let results = results();
        let mut renderer = renderer(format, Box::new(&mut bytes), colours, results.runs.len());
        for result in &results.runs {
            renderer.ended(result).unwrap();
        }
        renderer.finished(&results).unwrap();
        drop(renderer);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn for_people() {
        insta::assert_snapshot!(rendered(Format::Text, false));
    }

    #[test]
    fn for_people_in_colours() {
        let plain = rendered(Format::Text, false);
        let coloured = rendered(Format::Text, true);
        assert_ne!(coloured, plain);
        let mut without = coloured;
        for code in ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"] {
            assert!(without.contains(code), "{code:?}");
            without = without.replace(code, "");
        }
        assert_eq!(without, plain);
    }

    #[test]
    fn json() {
        insta::assert_snapshot!(rendered(Format::Json, true));
    }

    #[test]
    fn junit() {
        insta::assert_snapshot!(rendered(Format::Junit, true));
    }

    #[test]
    fn nothing_at_all_is_told_too() {
        let mut bytes = Vec::new();
        let mut none = renderer(Format::Text, Box::new(&mut bytes), false, 0);
        none.finished(&Results { runs: Vec::new(), ..results() }).unwrap();
        drop(none);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("inconclusive: no scenario was run"), "{text}");
    }

    #[test]
    fn colours_need_a_terminal_and_no_objection() {
        assert!(colours(true, None));
        assert!(colours(true, Some(OsStr::new(""))));
        assert!(!colours(true, Some(OsStr::new("1"))));
        assert!(!colours(false, None));
    }
}
