//! Which renderer, where to, and how it looks.
use std::io::{self, Write};

use crate::run::ScenarioResult;

use super::{Look, Results, json, junit, terminal};

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

/// The renderer of a format for `total` runs. Only text has a look.
pub fn renderer<'a>(format: Format, to: Box<dyn Write + 'a>, look: Look, total: usize) -> Box<dyn Renderer + 'a> {
    match format {
        Format::Text => Box::new(terminal::Terminal::new(to, look, total)),
        Format::Json => Box::new(AtTheEnd { to, write: json::write }),
        Format::Junit => Box::new(AtTheEnd { to, write: junit::write }),
    }
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

    const FILE: Look = Look { width: None, height: None, unicode: true, colours: false };

    /// All that a renderer writes of the sample.
    fn rendered(format: Format, look: Look) -> String {
        let mut bytes = Vec::new();
        let results = results();
        let mut renderer = renderer(format, Box::new(&mut bytes), look, results.runs.len());
        for result in &results.runs {
            renderer.ended(result).unwrap();
        }
        renderer.finished(&results).unwrap();
        drop(renderer);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn for_people() {
        insta::assert_snapshot!(rendered(Format::Text, FILE));
    }

    #[test]
    fn for_people_at_a_narrow_terminal() {
        let look = Look { width: Some(60), height: Some(24), ..FILE };
        let text = rendered(Format::Text, look);
        let commands = ["  page: ", "  lockstep run ", "  seed "];
        let wide: Vec<&str> = text
            .lines()
            .filter(|line| line.chars().count() > 60 && !commands.iter().any(|known| line.starts_with(known)))
            .collect();
        assert!(wide.is_empty(), "{wide:#?}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_failure_fits_one_screen_and_passes_do_not_push_it_away() {
        let mut results = results();
        let bad = results.runs.remove(1);
        let long = crate::check::Finding { actual: "seen ".repeat(300), ..bad.findings[2].clone() };
        let bad = ScenarioResult { findings: vec![long; 5], ..bad };
        let pass = results.runs.remove(0);
        results.runs = (0..50).map(|n| ScenarioResult { name: format!("phase-3/{n}"), ..pass.clone() }).collect();
        let mut bytes = Vec::new();
        let look = Look { width: Some(80), height: Some(24), ..FILE };
        let mut renderer = renderer(Format::Text, Box::new(&mut bytes), look, 51);
        renderer.ended(&bad).unwrap();
        results.runs.push(bad);
        renderer.finished(&results).unwrap();
        drop(renderer);
        let text = String::from_utf8(bytes).unwrap();
        let (failure, rest) = text.split_once("\n\n").unwrap();
        assert!(failure.lines().count() <= 24, "{failure}");
        assert!(failure.contains("and 4 more: the page has them") && failure.contains("seen …"), "{failure}");
        assert!(rest.contains("50 scenarios that pass are not listed") && rest.lines().count() < 12, "{rest}");
    }

    #[test]
    fn for_people_in_colours() {
        let plain = rendered(Format::Text, FILE);
        let coloured = rendered(Format::Text, Look { colours: true, ..FILE });
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
        insta::assert_snapshot!(rendered(Format::Json, FILE));
    }

    #[test]
    fn junit() {
        insta::assert_snapshot!(rendered(Format::Junit, FILE));
    }

    #[test]
    fn nothing_at_all_is_told_too() {
        let mut bytes = Vec::new();
        let mut none = renderer(Format::Text, Box::new(&mut bytes), FILE, 0);
        none.finished(&Results { runs: Vec::new(), ..results() }).unwrap();
        drop(none);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("inconclusive: no scenario was run"), "{text}");
    }
}
