//! Which lines are which events: the shipped patterns, and an operator's own before them.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde::Deserialize;

use super::template::{MOST_FIELDS, Template, Values};
use crate::scenario::{LoadError, Problem, Spanned, document, document_text};

const SHIPPED: &str = include_str!("../../../fixtures/patterns.yaml");
/// Patterns of a file, at most.
const MOST: usize = 1000;
/// Bytes that are searched of a pattern's beginning, at most.
const SEARCHED: usize = 32;
/// Bytes of a pattern, at most.
const LONGEST: usize = 500;
/// Who dialled a connection, as lines tell it right before their words.
const DIRECTIONS: [(&str, &str); 2] = [("[Outbound] ", "Outbound"), ("[Inbound] ", "Inbound")];

/// A line of a file of patterns: the first pattern that a line's message matches anywhere says what it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatternFile {
    /// The event's name.
    event: Spanned<String>,
    /// The words of its line, see [`Template`]. `[Outbound] ` or `[Inbound] ` right before them becomes the field `direction`.
    line: Spanned<String>,
    /// Fields that the words alone tell.
    #[serde(default)]
    with: BTreeMap<String, Spanned<String>>,
}

#[derive(Debug, Clone)]
struct Pattern {
    event: String,
    template: Template,
    with: Vec<(String, String)>,
}

/// What lines are compared with.
#[derive(Debug, Clone)]
pub struct Patterns {
    /// The text of the file beside the shipped ones, for its digest.
    pub source: String,
    all: Vec<Pattern>,
    events: BTreeSet<String>,
    /// Finds what patterns begin with.
    anchors: AhoCorasick,
    /// The patterns that begin with each, in order.
    beginning: Vec<Vec<usize>>,
}

/// What a line was found to tell.
#[derive(Debug)]
pub struct Found<'a> {
    /// The event's name.
    pub event: &'a str,
    /// Its fields.
    pub values: Values<'a>,
}

impl Patterns {
    /// The shipped patterns, and before them those of a file.
    ///
    /// # Errors
    /// The file can't be read, or all that is wrong with it.
    pub fn load(own: Option<&Path>) -> Result<Self, LoadError> {
        let read = |list, text: &str| Ok((check(list)?, text.to_owned()));
        let (mut all, source) = own.map_or(Ok(Default::default()), |path| document(path, read))?;
        all.extend(document_text("shipped patterns", SHIPPED.to_owned(), |list, _| check(list))?);
        Ok(Self::new(all, source))
    }

    fn new(all: Vec<Pattern>, source: String) -> Self {
        let mut texts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, pattern) in all.iter().enumerate() {
            texts.entry(beginning(pattern.template.anchor())).or_default().push(index);
        }
        let anchors = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(texts.keys());
        let anchors = anchors.expect("patterns are few, and what is searched of them is short");
        let beginning = texts.into_values().collect();
        let events = all.iter().map(|pattern| pattern.event.clone()).collect();
        Self { source, all, events, anchors, beginning }
    }

    /// Whether there is such an event.
    pub fn knows(&self, event: &str) -> bool {
        self.events.contains(event)
    }

    /// What the first of the patterns says that match.
    pub fn find<'a>(&'a self, message: &'a str) -> Option<Found<'a>> {
        let mut found = None;
        let mut best = usize::MAX;
        for hit in self.anchors.find_overlapping_iter(message) {
            for index in self.beginning[hit.pattern()].iter().copied().take_while(|index| *index < best) {
                let Pattern { event, template, with } = &self.all[index];
                let mut values = Values::none();
                if !template.matches(message.get(hit.start()..)?, &mut values) {
                    continue;
                }
                with.iter().for_each(|(name, value)| values.push(name, value));
                let before = message.get(..hit.start())?;
                let direction = DIRECTIONS.iter().find(|(text, _)| before.ends_with(text));
                direction.into_iter().for_each(|(_, direction)| values.push("direction", direction));
                found = Some(Found { event, values });
                best = index;
                break;
            }
        }
        found
    }
}

/// The first bytes of a text, by whole letters.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(SEARCHED)]
}

fn check(list: Vec<PatternFile>) -> Result<Vec<Pattern>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut all = Vec::new();
    if let Some(PatternFile { event, .. }) = list.get(MOST) {
        return Err(vec![Problem::new(event.place.clone(), format!("more than {MOST} patterns"))]);
    }
    for PatternFile { event, line, with } in list {
        let name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !name(&event.value) {
            let problem = Problem::new(event.place, format!("`{}` is no name of an event", event.value));
            problems.push(problem.help("small letters and _"));
        }
        let template = if line.value.len() > LONGEST {
            Err(Problem::new(line.place, format!("longer than {LONGEST} bytes"))
                .help("a few words tell it from others"))
        } else {
            Template::parse(&line.value).map_err(|why| Problem::new(line.place, why.title).help(why.help))
        };
        match template {
            Ok(template) => {
                let names = template.names();
                for (key, value) in &with {
                    if !name(key) || names.contains(&key.as_str()) || with.len() + names.len() >= MOST_FIELDS {
                        let title = format!("`{key}` can't be added");
                        let help =
                            format!("a name of small letters that the line doesn't give, {} in all", MOST_FIELDS - 1);
                        problems.push(Problem::new(value.place.clone(), title).help(help));
                    }
                }
                let with = with.into_iter().map(|(key, value)| (key, value.value)).collect();
                all.push(Pattern { event: event.value, template, with });
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(patterns: &Patterns, message: &str) -> String {
        let Some(Found { event, values }) = patterns.find(message) else { return String::new() };
        values.pairs().iter().fold(event.to_owned(), |text, (name, value)| format!("{text} {name}={value}"))
    }

    #[test]
    fn each_of_the_production_nodes_lines_is_its_event() {
        let patterns = Patterns::load(None).unwrap();
        let lines = include_str!("../../../fixtures/log-lines/production.txt").lines();
        for (wanted, message) in lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" | ")) {
            assert_eq!(read(&patterns, message), wanted.trim_start_matches('-'), "{message}");
        }
    }

    #[test]
    fn the_reference_nodes_lines_tell_their_events_and_fields() {
        let patterns = Patterns::load(None).unwrap();
        let lines = include_str!("../../../fixtures/log-lines/canonical.txt").lines();
        for (head, message) in lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" | ")) {
            let (_, wanted) = head.split_once(' ').unwrap();
            let Found { event, values } = patterns.find(message).unwrap_or_else(|| panic!("{message}"));
            let wanted = format!("{wanted} ");
            assert!(wanted.starts_with(&format!("{event} ")), "{message}: {event}");
            let told = values.pairs().iter().all(|(name, value)| wanted.contains(&format!(" {name}={value} ")));
            assert!(told, "{message}: {:?}", values.pairs());
            assert!(!wanted.contains(" ip=") || values.pairs().iter().any(|(name, _)| *name == "ip"), "{message}");
        }
    }

    #[test]
    fn an_operators_patterns_go_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.yaml");
        fs::write(&path, "- {event: mine, line: 'Sent ping to {ip}', with: {why: own}}\n").unwrap();
        let patterns = Patterns::load(Some(&path)).unwrap();
        assert!(patterns.knows("mine"));
        assert_eq!(read(&patterns, "Sent ping to 10.0.0.2 (nonce: 5)"), "mine ip=10.0.0.2 why=own");
        assert_eq!(read(&patterns, "Sent pong to 10.0.0.2 (nonce: 5)"), "pong_sent ip=10.0.0.2 nonce=5");
    }

    #[test]
    fn what_is_wrong_with_patterns_is_shown_at_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.yaml");
        let long = format!("- {{event: mine, line: {}}}\n", "x".repeat(LONGEST + 1));
        let many = "- {event: mine, line: abcd}\n".repeat(MOST + 1);
        for (text, wanted) in [
            ("- {event: mine, line: 'ab {ip}'}\n", "own.yaml:1:"),
            ("- {event: mine, line: abcd}\n- {event: My, line: abcd}\n", "own.yaml:2:"),
            ("- {event: mine, line: 'abcd {x:y}'}\n", "no kind of value `y`"),
            ("- {event: mine, line: abcd, regex: x}\n", "unknown key `regex`"),
            ("- {event: mine, line: 'abcd {ip}', with: {ip: x}}\n", "`ip` can't be added"),
            ("event: mine\n", "a list is expected here"),
            (&long, "longer than 500 bytes"),
            (&many, "more than 1000 patterns"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Patterns::load(Some(&path)).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        assert!(matches!(Patterns::load(Some(&dir.path().join("none"))), Err(LoadError::Unreadable { .. })));
    }
}
