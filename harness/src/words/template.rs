//! A line's words with places for values: `Sent ping to {ip}{? at height {height}} (nonce: {nonce})`.
use super::placeholder::{KINDS, Kind, after, value};
use crate::scenario::vocabulary::allowed;

/// Bytes that a template begins with, at least: lines are searched for them.
pub const SHORTEST: usize = 4;
/// Fields of an event, at most.
pub const MOST_FIELDS: usize = 16;
/// Bytes of a value, at most.
pub const LONGEST_VALUE: usize = 512;

/// What a line is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    /// As it is written; a space stands for one or more.
    Text(String),
    /// A value; without a name it is thrown away.
    Value(Option<String>, Kind),
    /// What may be missing.
    Maybe(Vec<Part>),
    /// The line's end.
    End,
}

/// Names and values of an event.
#[derive(Debug)]
pub struct Values<'a> {
    pairs: [(&'a str, &'a str); MOST_FIELDS],
    count: usize,
}

/// Why a text is no template.
#[derive(Debug, PartialEq)]
pub struct Wrong {
    /// What is wrong.
    pub title: String,
    /// What is meant.
    pub help: String,
}

impl<'a> Values<'a> {
    /// None yet.
    pub fn none() -> Self {
        Self { pairs: [("", ""); MOST_FIELDS], count: 0 }
    }

    /// One more; those above [`MOST_FIELDS`], and what is above [`LONGEST_VALUE`], are dropped.
    pub fn push(&mut self, name: &'a str, value: &'a str) {
        if let Some(pair) = self.pairs.get_mut(self.count) {
            *pair = (name, &value[..value.floor_char_boundary(LONGEST_VALUE)]);
            self.count += 1;
        }
    }

    /// All, in order.
    pub fn pairs(&self) -> &[(&'a str, &'a str)] {
        &self.pairs[..self.count]
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let wrong = |title: String, help: &str| Wrong { title, help: help.to_owned() };
        let mut rest = text;
        let parts = parts(&mut rest, false)?;
        let template = Self { parts };
        if template.anchor().len() < SHORTEST {
            let title = format!("the text before the first value is shorter than {SHORTEST} bytes");
            return Err(wrong(title, "begin with a word that says what the line is"));
        }
        let mut names = template.names();
        if names.len() > MOST_FIELDS {
            return Err(wrong(format!("more than {MOST_FIELDS} values"), "`{_}` throws a number away"));
        }
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(wrong(format!("`{}` stands twice", pair[0]), "`{_}` throws a number away")),
            None => Ok(template),
        }
    }

    /// The text that it begins with.
    pub fn anchor(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// Names of its values, also of those that may be missing.
    pub fn names(&self) -> Vec<&str> {
        fn add<'a>(parts: &'a [Part], names: &mut Vec<&'a str>) {
            for part in parts {
                match part {
                    Part::Value(name, _) => names.extend(name.as_deref()),
                    Part::Maybe(parts) => add(parts, names),
                    Part::Text(_) | Part::End => {}
                }
            }
        }
        let mut names = Vec::new();
        add(&self.parts, &mut names);
        names
    }

    /// Whether `text` begins like this; its values are added.
    pub fn matches<'a>(&'a self, text: &'a str, values: &mut Values<'a>) -> bool {
        walk(&self.parts, text, values).is_some()
    }
}

/// What remains of `text` after `parts`.
fn walk<'a>(parts: &'a [Part], mut text: &'a str, values: &mut Values<'a>) -> Option<&'a str> {
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(literal) => text = after(text, literal)?,
            Part::Value(name, kind) => {
                let next = match parts.get(index + 1) {
                    Some(Part::Text(literal)) => Some(literal.as_str()),
                    _ => None,
                };
                let (value, rest) = value(text, *kind, next)?;
                if let Some(name) = name {
                    values.push(name, value);
                }
                text = rest;
            }
            Part::End if text.trim_end().is_empty() => {}
            Part::End => return None,
            Part::Maybe(parts) => {
                let count = values.count;
                match walk(parts, text, values) {
                    Some(rest) => text = rest,
                    None => values.count = count,
                }
            }
        }
    }
    Some(text)
}

/// Reads parts up to the end, or to the brace that ends an optional one.
fn parts(rest: &mut &str, inside: bool) -> Result<Vec<Part>, Wrong> {
    let wrong = |title: String, help: String| Wrong { title, help };
    let mut parts = Vec::new();
    loop {
        let length = rest.find(['{', '}']).unwrap_or(rest.len());
        let (text, after) = rest.split_at(length);
        if !text.is_empty() {
            parts.push(Part::Text(text.to_owned()));
        }
        if let Some(after) = after.strip_prefix("{?") {
            if inside {
                return Err(wrong("an optional part inside of another".into(), "write them side by side".into()));
            }
            *rest = after;
            parts.push(Part::Maybe(self::parts(rest, true)?));
        } else if let Some(after) = after.strip_prefix('{') {
            let Some((inner, after)) = after.split_once('}') else {
                return Err(wrong("a brace without its end".into(), "a value is written {name}".into()));
            };
            parts.push(placeholder(inner)?);
            *rest = after;
        } else if after.is_empty() == inside {
            let title = if inside { "an optional part without its end" } else { "a brace without its beginning" };
            return Err(wrong(title.into(), "an optional part is written {? its text}".into()));
        } else {
            *rest = after.strip_prefix('}').unwrap_or(after);
            return Ok(parts);
        }
    }
}

fn placeholder(inner: &str) -> Result<Part, Wrong> {
    if inner == "$" {
        return Ok(Part::End);
    }
    let (name, kind) = inner.split_once(':').unwrap_or((inner, if inner == "ip" { "ip" } else { "number" }));
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if name.is_empty() || !name.bytes().all(fits) {
        let help = "small letters and _; {_} throws a number away".to_owned();
        return Err(Wrong { title: format!("`{name}` is no name of a value"), help });
    }
    let Some((_, kind)) = KINDS.into_iter().find(|(word, _)| *word == kind) else {
        let help = allowed(kind, KINDS.map(|(word, _)| word));
        return Err(Wrong { title: format!("no kind of value `{kind}`"), help });
    };
    Ok(Part::Value((name != "_").then(|| name.to_owned()), kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(template: &str, text: &str) -> Option<String> {
        let template = Template::parse(template).unwrap();
        let mut values = Values::none();
        let matches = template.matches(text, &mut values);
        let pairs: Vec<String> = values.pairs().iter().map(|(name, value)| format!("{name}={value}")).collect();
        matches.then(|| pairs.join(" "))
    }

    #[test]
    fn values_are_read_where_they_stand() {
        for (template, text, wanted) in [
            ("ping to {ip}{? at {height}} ({n})", "ping to 10.0.0.2 at 5 (7)", Some("ip=10.0.0.2 height=5 n=7")),
            ("ping to {ip}{? at {height}} ({n})", "ping to 10.0.0.2:4711   (7)", Some("ip=10.0.0.2 n=7")),
            ("ping to {ip}{? at {height}} ({n})", "ping to 10.0.0.2 at (7)", None),
            ("ping to {ip}", "ping to 10.0.0.256", None),
            ("ping to {ip}", "ping to 10.0.0.2.", Some("ip=10.0.0.2")),
            ("ping to {ip}: {why:rest}", "ping to 10.0.0.2: 3 strikes ", Some("ip=10.0.0.2 why=3 strikes")),
            ("nonce {n}", "nonce 18446744073709551615", Some("n=18446744073709551615")),
            ("nonce {n}", "nonce 18446744073709551616", None),
            ("after {t:decimal}s", "after 7.5s", Some("t=7.5")),
            ("after {t:decimal}s", "after 7.s", None),
            ("height {_} {_:word} {b} (", "height 5 â†’ 7 (x", Some("b=7")),
            ("height {_} {_:word} {b} (", "height 5 → 7 (x", Some("b=7")),
            ("hash {a:word} vs {b:word}", "hash \"ab\" vs cd, or", Some("a=ab b=cd")),
            ("expected {a:word}, got {b:word}", "expected ab, got cd", Some("a=ab b=cd")),
            ("block {why:rest}: got {b:word}", "block 5: bad: got cd", Some("why=5: bad b=cd")),
            ("block {why:rest}: got {b:word}", "block 5: bad", None),
            ("lost {why:rest}", "lost", None),
            ("lost{why:rest}", "lost", Some("why=")),
            ("word {a:word}", "word ", None),
            ("word{$}", "word ", Some("")),
            ("word{$}", "words", None),
        ] {
            assert_eq!(values(template, text).as_deref(), wanted, "{template} | {text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_template_is_said() {
        for (text, title) in [
            ("", "the text before the first value is shorter than 4 bytes"),
            ("to {ip} sent", "the text before the first value is shorter than 4 bytes"),
            ("{? sent} to {ip}", "the text before the first value is shorter than 4 bytes"),
            ("sent to {ip", "a brace without its end"),
            ("sent to ip}", "a brace without its beginning"),
            ("sent {?to {ip}", "an optional part without its end"),
            ("sent {?to {?x}}", "an optional part inside of another"),
            ("sent to {Ip}", "`Ip` is no name of a value"),
            ("sent to {}", "`` is no name of a value"),
            ("sent to {ip:address}", "no kind of value `address`"),
            ("sent {n} {n}", "`n` stands twice"),
        ] {
            assert_eq!(Template::parse(text).unwrap_err().title, title, "{text}");
        }
    }
}
