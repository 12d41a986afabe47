//! Lines that name their fields: JSON, and the end of the reference node's lines of text.
use std::borrow::Cow;
use std::fmt;

use memchr::memmem;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::line::{Form, Line};
use super::stamp::Stamp;

/// Takes an object of tracing's JSON apart: `{"timestamp":…,"level":…,"fields":{"message":…},"target":…}`. One that can't be
/// read is left as text.
pub fn json(line: &mut Line<'_>) {
    let Cow::Borrowed(text) = line.message else { return };
    let Ok(object) = serde_json::from_str::<Object<'_>>(text) else {
        line.torn = true;
        return;
    };
    line.form = Form::Json;
    if let Some((stamp, _)) = object.timestamp.and_then(|time| Stamp::parse(time.as_bytes())) {
        line.stamp = Some(stamp);
    }
    line.message = object.fields.message;
    line.fields = object.fields.others;
}

/// Takes ` event="behind" our=5 ip=10.0.0.2 reason="no slot"` off the message's end. Text in quotes stays as it is written.
pub fn suffix(line: &mut Line<'_>) {
    let Cow::Borrowed(text) = line.message else { return };
    let Some(at) = memmem::find(text.as_bytes(), b" event=\"") else { return };
    let mut rest = &text[at + 1..];
    while let Some((name, value)) = rest.split_once('=') {
        let end = match value.strip_prefix('"') {
            Some(quoted) => end_of_quoted(quoted) + 1,
            None => value.find(' ').unwrap_or(value.len()),
        };
        let (value, after) = value.split_at(end.min(value.len()));
        let (value, after) = match value.strip_prefix('"') {
            Some(value) => (value, after.strip_prefix('"').unwrap_or(after)),
            None => (value, after),
        };
        line.fields.push((name.into(), value.into()));
        rest = after.trim_start();
    }
    line.message = Cow::Borrowed(&text[..at]);
}

/// Up to the quotes that end it.
fn end_of_quoted(text: &str) -> usize {
    let mut escaped = false;
    let ends = |byte: u8| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    };
    text.bytes().position(ends).unwrap_or(text.len())
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    fields: Fields<'a>,
}

/// Pairs of an object, as they come; the message apart.
#[derive(Default)]
struct Fields<'a> {
    message: Cow<'a, str>,
    others: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Numbers and words as text; nothing of lists and objects.
struct Value<'a>(Option<Cow<'a, str>>);

struct Pairs;
struct AsText;

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Pairs)
    }
}

impl<'de> Visitor<'de> for Pairs {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some((Name(name), Value(value))) = map.next_entry()? {
            match value {
                Some(value) if name == "message" => fields.message = value,
                Some(value) => fields.others.push((name, value)),
                None => {}
            }
        }
        Ok(fields)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AsText).map(Self)
    }
}

impl<'de> Visitor<'de> for AsText {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(if yes { "true" } else { "false" })))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Form, String, String) {
        let line = Line::parse(text);
        let fields: Vec<String> = line.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (line.form, line.message.into_owned(), fields.join(" "))
    }

    #[test]
    fn objects_tell_time_message_and_fields() {
        let text = r#"{"timestamp":"2026-01-07T10:00:00.5Z","level":"WARN","fields":{"message":"say \"hi\"","event":"behind","our":5,
            "timeout":7.5,"hedge":false,"no":null,"list":[1],"deep":{"a":{}},"nonce":18446744073709551615,"less":-1},"target":"node"}"#;
        let (form, message, fields) = parsed(text);
        assert_eq!((form, &*message), (Form::Json, r#"say "hi""#));
        assert_eq!(fields, "event=behind our=5 timeout=7.5 hedge=false nonce=18446744073709551615 less=-1");
        assert!(Line::parse(text).stamp.is_some());
        let inside = Line::parse(r#"Jan  7 10:00:00 ohio timed[7]: {"timestamp":"2026-01-07T10:00:01Z","fields":{}}"#);
        assert_eq!((inside.form, inside.host), (Form::Json, Some("ohio")));
        assert!(matches!(inside.stamp, Some(Stamp::Whole(_))));
    }

    #[test]
    fn an_object_that_breaks_off_is_text() {
        for text in [r#"{"timestamp":"2026-01-07T10:00:00Z","lev"#, "{", "{]", r#"{"fields":5}"#] {
            let line = Line::parse(text);
            assert_eq!((line.form, &*line.message, line.torn), (Form::Plain, text, true));
        }
        let deep = format!("{}1", r#"{"fields":{"a":"#.to_owned() + &"[".repeat(10_000));
        assert!(Line::parse(&deep).torn);
    }

    #[test]
    fn the_reference_nodes_text_ends_in_fields() {
        let head = "2026-06-01T00:00:30.000000Z  INFO node: ";
        for (text, message, fields) in [
            (
                r#"Hi: you event="a" our=5 ip=10.0.0.2 reason="no \"slot\" b=1" x=y"#,
                "Hi: you",
                r#"event=a our=5 ip=10.0.0.2 reason=no \"slot\" b=1 x=y"#,
            ),
            (r#"Hi event="a" our="#, "Hi", "event=a our="),
            (r#"Hi event="a" reason="cut of"#, "Hi", "event=a reason=cut of"),
            (r#"Hi event="a" rubbish"#, "Hi", "event=a"),
            ("Hi our=5", "Hi our=5", ""),
        ] {
            assert_eq!(parsed(&format!("{head}{text}")), (Form::Reference, message.to_owned(), fields.to_owned()));
        }
    }
}
