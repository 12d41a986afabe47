//! Which lines are which events: the shipped patterns, and an operator's own before them.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde::Deserialize;

use super::template::{MOST_FIELDS, Template, Values};
use crate::scenario::{LoadError, Problem, Spanned, document, document_text};

const SHIPPED: &str = include_str!("../../../../fixtures/patterns.yaml");
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

#[derive(Debug)]
struct Pattern {
    event: String,
    template: Template,
    with: Vec<(String, String)>,
}

/// What lines are compared with.
#[derive(Debug)]
pub struct Patterns {
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
        let mut all = own.map_or(Ok(Vec::new()), |path| document(path, |list: Vec<PatternFile>, _| check(list)))?;
        all.extend(document_text("shipped patterns", SHIPPED.to_owned(), |list: Vec<PatternFile>, _| check(list))?);
        Ok(Self::new(all))
    }

    fn new(all: Vec<Pattern>) -> Self {
        let mut texts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, pattern) in all.iter().enumerate() {
            texts.entry(beginning(pattern.template.anchor())).or_default().push(index);
        }
        let anchors = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(texts.keys());
        let anchors = anchors.expect("patterns are few, and what is searched of them is short");
        let beginning = texts.into_values().collect();
        let events = all.iter().map(|pattern| pattern.event.clone()).collect();
        Self { all, events, anchors, beginning }
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
