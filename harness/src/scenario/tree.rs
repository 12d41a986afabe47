//! A scenario file as plain values in the file's order, for what rewrites files: read, changed, and written as people write them.
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::ScenarioError;
use super::load::document_text;
use super::text::folded;

/// Keys of the file in the order of its manual.
const ORDER: [&str; 17] = [
    "title",
    "why",
    "requirements",
    "case",
    "incident",
    "runs_for",
    "seed",
    "tick",
    "time_scale",
    "chains",
    "nodes",
    "peers",
    "links",
    "produce",
    "timeline",
    "expect",
    "invariants",
];
/// Characters of a line.
const WIDTH: usize = 120;

/// A value, and what is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// One value as it is written: `60s`, `5`, `">= 5"`.
    Leaf(String),
    /// Values in order.
    List(Vec<Tree>),
    /// Keys and their values in the order of the file.
    Map(Vec<(String, Tree)>),
}

/// Keys from the top downwards; those of a list are its indices from 0.
pub type Path = Vec<String>;

impl Tree {
    /// Reads a file's text; whether it is a scenario is not asked.
    ///
    /// # Errors
    /// What is no YAML that a scenario may have.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        document_text("the scenario", text.to_owned(), |tree, _| Ok(tree))
    }

    /// A text as a value.
    pub fn text(text: &str) -> Self {
        Self::Leaf(scalar(text))
    }

    /// What is written, of a single value.
    pub fn leaf(&self) -> Option<&str> {
        match self {
            Self::Leaf(written) => Some(written),
            _ => None,
        }
    }

    /// Keys of a map, indices of a list, nothing of a single value.
    pub fn keys(&self) -> Vec<String> {
        match self {
            Self::Leaf(_) => Vec::new(),
            Self::List(items) => (0..items.len()).map(|index| index.to_string()).collect(),
            Self::Map(entries) => entries.iter().map(|(key, _)| key.clone()).collect(),
        }
    }

    /// Whether there is nothing in this list or map.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Leaf(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
        }
    }

    /// What stands at a key or an index.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        match self {
            Self::Leaf(_) => None,
            Self::List(items) => items.get(key.parse::<usize>().ok()?),
            Self::Map(entries) => entries.iter().find(|(known, _)| known == key).map(|(_, value)| value),
        }
    }

    /// As [`Tree::get`], to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Tree> {
        match self {
            Self::Leaf(_) => None,
            Self::List(items) => items.get_mut(key.parse::<usize>().ok()?),
            Self::Map(entries) => entries.iter_mut().find(|(known, _)| known == key).map(|(_, value)| value),
        }
    }

    /// What stands below these keys.
    pub fn at(&self, path: &[String]) -> Option<&Tree> {
        path.iter().try_fold(self, |tree, key| tree.get(key))
    }

    /// As [`Tree::at`], to be changed.
    pub fn at_mut(&mut self, path: &[String]) -> Option<&mut Tree> {
        path.iter().try_fold(self, |tree, key| tree.get_mut(key))
    }

    /// Puts a value at a key of a map.
    pub fn set(&mut self, key: &str, value: Tree) {
        match (self.get(key).is_some(), self) {
            (true, tree) => {
                if let Some(place) = tree.get_mut(key) {
                    *place = value;
                }
            }
            (false, Self::Map(entries)) => entries.push((key.to_owned(), value)),
            (false, _) => {}
        }
    }

    /// Takes out what stands at a key or an index.
    pub fn remove(&mut self, key: &str) {
        match self {
            Self::Leaf(_) => {}
            Self::List(items) => {
                if let Some(index) = key.parse().ok().filter(|index| *index < items.len()) {
                    items.remove(index);
                }
            }
            Self::Map(entries) => entries.retain(|(known, _)| known != key),
        }
    }

    /// Takes out what stands below these keys.
    pub fn cut(&mut self, path: &[String]) {
        if let Some((last, above)) = path.split_last()
            && let Some(tree) = self.at_mut(above)
        {
            tree.remove(last);
        }
    }

    /// On one line.
    fn flow(&self) -> String {
        match self {
            Self::Leaf(written) => written.clone(),
            Self::List(items) => format!("[{}]", items.iter().map(Tree::flow).collect::<Vec<_>>().join(", ")),
            Self::Map(entries) => {
                let entries: Vec<_> =
                    entries.iter().map(|(key, value)| format!("{}: {}", key_word(key), value.flow())).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    /// Whether all that is in it is lists and maps again.
    fn is_table(&self) -> bool {
        let keys = self.keys();
        !keys.is_empty() && keys.iter().all(|key| self.get(key).is_some_and(|value| value.leaf().is_none()))
    }

    fn write(&self, key: &str, indent: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!("{:indent$}{}: {}", "", key_word(key), self.flow());
        let opens = (indent == 0 && self.is_table()) || (line.chars().count() > WIDTH && !self.is_empty());
        match self {
            Self::Map(entries) if opens => {
                writeln!(f, "{:indent$}{}:", "", key_word(key))?;
                entries.iter().try_for_each(|(key, value)| value.write(key, indent + 2, f))
            }
            Self::List(items) if opens && indent == 0 => {
                writeln!(f, "{}:", key_word(key))?;
                items.iter().try_for_each(|item| writeln!(f, "  - {}", item.flow()))
            }
            _ => writeln!(f, "{line}"),
        }
    }
}

/// The file's text: keys in the order of the manual, one line for each node, peer, link, step and expectation.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Map(entries) = self else {
            return writeln!(f, "{}", self.flow());
        };
        let mut entries: Vec<&(String, Tree)> = entries.iter().collect();
        entries.sort_by_key(|(key, _)| ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len()));
        for (key, value) in entries {
            match value.leaf().map(plain) {
                Some(text) if key == "why" && folded(key, &text).lines().count() > 1 && folds(&text) => {
                    f.write_str(&folded(key, &text))?;
                }
                _ => {
                    if value.is_table() {
                        writeln!(f)?;
                    }
                    value.write(key, 0, f)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a text comes back from its folded form as it is.
fn folds(text: &str) -> bool {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    !words.is_empty() && text == words.join(" ") + "\n" && !text.trim_end().contains(special)
}

/// The text that a value stands for.
fn plain(written: &str) -> String {
    serde_json::from_str(written).unwrap_or_else(|_| written.to_owned())
}

/// A key: as a text, but for one that all files have.
fn key_word(key: &str) -> String {
    if key == "on" { key.to_owned() } else { scalar(key) }
}

/// A text as readers of YAML 1.1 and 1.2 take for the same text: in quotes unless it is a plain word, or a value with a unit.
fn scalar(text: &str) -> String {
    const TRUTHS: [&str; 7] = ["true", "false", "yes", "no", "on", "off", "null"];
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_@./%-".contains(c))
        && !TRUTHS.contains(&text.to_lowercase().as_str());
    let measure = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(['s', 'm', 'h', 'd', '%'])
        && text.chars().all(|c| c.is_ascii_digit() || ".smhdkMB/%".contains(c));
    if word || measure || text.parse::<std::net::Ipv4Addr>().is_ok() {
        return text.to_owned();
    }
    let quoted = serde_json::Value::from(text).to_string();
    quoted.chars().map(|c| if special(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }).collect()
}

/// What YAML takes for no text, or for the end of a line.
fn special(c: char) -> bool {
    c.is_control() || ['\u{2028}', '\u{2029}', '\u{feff}'].contains(&c)
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or keys and values")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Leaf(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Leaf(match value {
            value if value.is_nan() => ".nan".to_owned(),
            f64::INFINITY => ".inf".to_owned(),
            f64::NEG_INFINITY => "-.inf".to_owned(),
            value => format!("{value:?}"),
        }))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::text(value))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf("null".to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry::<String, Tree>()? {
            map.push(entry);
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::{Scenario, find};

    /// What a scenario means, without where it stands in its file.
    fn meaning(text: &str) -> String {
        let mut scenario = Scenario::parse("x", text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        scenario.source.clear();
        let (checks, incident) = (scenario.expect.iter_mut(), scenario.incident.iter_mut());
        for check in checks.chain(incident.flat_map(|incident| &mut incident.reproduced)) {
            check.line = 0;
        }
        format!("{scenario:#?}")
    }

    #[test]
    fn every_scenario_is_the_same_when_it_is_written_again() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        let files = find(&[root]).unwrap();
        assert!(files.len() > 100);
        for file in files {
            let text = std::fs::read_to_string(&file.path).unwrap();
            let written = Tree::parse(&text).unwrap().to_string();
            similar_asserts(&meaning(&text), &meaning(&written), &file.name());
            assert_eq!(Tree::parse(&written).unwrap().to_string(), written, "{}", file.name());
        }
    }

    fn similar_asserts(one: &str, two: &str, name: &str) {
        let differ = one.lines().zip(two.lines()).find(|(one, two)| one != two);
        assert!(one == two, "{name}: {differ:?}");
    }

    #[test]
    fn texts_that_look_like_something_else_stay_texts() {
        let words = [
            "",
            " ",
            "5",
            "0x1f",
            "1e5",
            "true",
            "No",
            "null",
            "~",
            "- x",
            "a: b",
            "#",
            "'",
            "\"",
            "\\",
            "a\nb\r\tc",
            ".5",
            "\u{0}\u{7f}\u{85}\u{2028}\u{feff}",
            "é",
            "🦀",
            "60s",
            "2m30s",
            "0.5%",
            "20kB/s",
            "-1h",
            "+5ms",
            "10.0.0.1",
            "1.2.3",
            "main@100",
            ">= 5",
            "{a}",
            "[b]",
            "*x",
            "&y",
            "!z",
            "1_000",
            "12:30",
            "n",
            "y",
        ];
        for word in words {
            let tree = Tree::Map(vec![(word.to_owned(), Tree::List(vec![Tree::text(word), Tree::Map(Vec::new())]))]);
            let written = tree.to_string();
            assert_eq!(Tree::parse(&written).unwrap(), tree, "{word:?} is written as {written}");
            let why = Tree::Map(vec![("why".to_owned(), Tree::text(&format!("{word}\n")))]);
            assert_eq!(Tree::parse(&why.to_string()).unwrap(), why, "{word:?} is written as {why}");
        }
    }

    #[test]
    fn a_file_is_written_as_people_do() {
        let text = "expect: [reorgs: {who: [a], at_most: 0}]\nnodes: {a: {chain: main@9}}\nwhy: >\n  So it\n  is.\n\
            title: x y\nrequirements: []\nruns_for: 1m\n";
        assert_eq!(
            Tree::parse(text).unwrap().to_string(),
            "title: \"x y\"\nwhy: >\n  So it is.\nrequirements: []\nruns_for: 1m\n\nnodes:\n  a: {chain: main@9}\n\n\
             expect:\n  - {reorgs: {who: [a], at_most: 0}}\n"
        );
    }
}
