//! Texts with places to fill in: `listen = "{{listen}}"`.
use std::collections::BTreeMap;

use crate::scenario::vocabulary::allowed;

const NAMES: [&str; 9] =
    ["listen", "ip", "port", "external_address", "dir", "masternode", "clock", "time_scale", "lockstep"];
/// The clock in words: `2025-12-02 17:45:57`, UTC.
pub const DATE: &str = "clock|date";
const LISTS: [&str; 3] = ["whitelisted", "peers", "blacklisted"];
const SETTINGS: &str = "settings.";

/// What is filled in.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// Plain ones by name.
    pub plain: BTreeMap<&'static str, String>,
    /// Addresses by list.
    pub lists: BTreeMap<&'static str, Vec<String>>,
    /// Section, key, value.
    pub settings: BTreeMap<String, BTreeMap<String, String>>,
}

/// A text with places.
#[derive(Debug, Clone, Default)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Plain(&'static str),
    List(&'static str, Form),
    Settings(String),
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Commas,
    Quoted,
    Lines,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// What.
    pub title: String,
    /// What is allowed.
    pub help: String,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A place that isn't closed, or that nothing is known for.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            parts.push(Part::Text(before.to_owned()));
            let (place, after) = after.split_once("}}").ok_or_else(|| TemplateError {
                title: "`{{` without its `}}`".to_owned(),
                help: "a place is {{name}}".to_owned(),
            })?;
            parts.push(Part::parse(place.trim())?);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The text with everything filled in.
    pub fn fill(&self, values: &Values) -> String {
        let list = |name: &str| values.lists.get(name).into_iter().flatten();
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Plain(name) => values.plain.get(name).cloned().unwrap_or_default(),
                Part::List(name, Form::Commas) => joined(list(name).cloned(), ","),
                Part::List(name, Form::Quoted) => joined(list(name).map(|ip| format!("\"{ip}\"")), ", "),
                Part::List(name, Form::Lines) => joined(list(name).cloned(), "\n"),
                Part::Settings(section) => {
                    let keys = values.settings.get(section).into_iter().flatten();
                    joined(keys.map(|(key, value)| format!("{key} = {value}")), "\n")
                }
            })
            .collect()
    }

    /// Whether it has a place for this.
    pub fn mentions(&self, name: &str) -> bool {
        let is = |part: &Part| matches!(part, Part::Plain(plain) if plain.split('|').next() == Some(name));
        self.0.iter().any(is)
    }

    /// Sections whose settings it has a place for.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Settings(section) => Some(section.as_str()),
            _ => None,
        })
    }
}

fn joined(words: impl Iterator<Item = String>, by: &str) -> String {
    words.collect::<Vec<_>>().join(by)
}

impl Part {
    fn parse(place: &str) -> Result<Self, TemplateError> {
        if let Some(section) = place.strip_prefix(SETTINGS) {
            return Ok(Self::Settings(section.to_owned()));
        }
        let (name, form) = place.split_once('|').map_or((place, None), |(name, form)| (name.trim(), Some(form.trim())));
        let plain = NAMES.iter().find(|known| **known == name);
        let list = LISTS.iter().find(|known| **known == name);
        match (plain, list, form) {
            (Some(name), _, None) => Ok(Self::Plain(name)),
            (Some(&"clock"), _, Some("date")) => Ok(Self::Plain(DATE)),
            (_, Some(name), None) => Ok(Self::List(name, Form::Commas)),
            (_, Some(name), Some("quoted")) => Ok(Self::List(name, Form::Quoted)),
            (_, Some(name), Some("lines")) => Ok(Self::List(name, Form::Lines)),
            (Some(_), _, Some(form)) | (_, Some(_), Some(form)) => Err(TemplateError {
                title: format!("`{name}` can't be written as `{form}`"),
                help: "lists may be `|quoted` or `|lines`, the clock may be `|date`".to_owned(),
            }),
            (None, None, _) => Err(TemplateError {
                title: format!("nothing is known for {{{{{name}}}}}"),
                help: allowed(name, NAMES.into_iter().chain(LISTS).chain(["settings.SECTION"])),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values {
            plain: [("listen", "10.0.0.1:24100".to_owned())].into(),
            lists: [("whitelisted", vec!["10.0.0.2".to_owned(), "10.0.0.3".to_owned()])].into(),
            settings: [(
                "sync".to_owned(),
                [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "true".to_owned())].into(),
            )]
            .into(),
        }
    }

    #[test]
    fn places_are_filled_in() {
        for (text, filled) in [
            ("no place", "no place"),
            ("listen = \"{{listen}}\"", "listen = \"10.0.0.1:24100\""),
            ("--peers={{ whitelisted }}", "--peers=10.0.0.2,10.0.0.3"),
            ("[{{whitelisted|quoted}}]", "[\"10.0.0.2\", \"10.0.0.3\"]"),
            ("{{whitelisted | lines}}", "10.0.0.2\n10.0.0.3"),
            ("[{{peers|quoted}}]", "[]"),
            ("[sync]\n{{settings.sync}}\n{{settings.chain}}", "[sync]\na = 1\nb = true\n"),
            ("{ }} {", "{ }} {"),
        ] {
            assert_eq!(Template::parse(text).unwrap().fill(&values()), filled);
        }
        let template = Template::parse("{{settings.sync}} {{settings.chain}} {{ clock | date }}").unwrap();
        assert!(template.mentions("clock") && !template.mentions("ip"));
        assert_eq!(template.sections().collect::<Vec<_>>(), ["sync", "chain"]);
    }

    #[test]
    fn unknown_places_are_told() {
        for (text, title) in [
            ("{{listn}}", "nothing is known for {{listn}}"),
            ("{{listen", "`{{` without its `}}`"),
            ("{{peers|json}}", "`peers` can't be written as `json`"),
            ("{{ip|quoted}}", "`ip` can't be written as `quoted`"),
        ] {
            assert_eq!(Template::parse(text).unwrap_err().title, title);
        }
        assert!(Template::parse("{{listn}}").unwrap_err().help.contains("`listen`"));
    }
}
