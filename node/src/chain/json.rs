//! JSON that is carried along and never looked at.
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Any JSON as compact text: about the bytes it was sent in, where a tree of values takes many times as many.
///
/// Nested no deeper than the parser allows, so that whoever it is passed on to can read it, too.
#[derive(Debug, Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// `[]`
    pub fn empty_list() -> Self {
        Self::of("[]".to_owned())
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// `text` is JSON: only literals and what [`Text`] wrote come here.
    fn of(text: String) -> Self {
        Self(RawValue::from_string(text).expect("the text is JSON"))
    }
}

/// `null`
impl Default for Json {
    fn default() -> Self {
        Self::of("null".to_owned())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Json {}

/// In JSON as it is; elsewhere as a text.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { self.0.serialize(serializer) } else { self.text().serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if !from.is_human_readable() {
            return RawValue::from_string(String::deserialize(from)?).map(Self).map_err(D::Error::custom);
        }
        let mut text = String::new();
        Text(&mut text).deserialize(from)?;
        text.shrink_to_fit();
        Ok(Self::of(text))
    }
}

/// Only a list.
///
/// # Errors
/// For everything else.
pub fn json_list<'de, D: Deserializer<'de>>(from: D) -> Result<Json, D::Error> {
    let json = Json::deserialize(from)?;
    if json.text().starts_with('[') { Ok(json) } else { Err(D::Error::custom("not a list")) }
}

/// Appends what is read, without blanks.
struct Text<'a>(&'a mut String);

impl Text<'_> {
    fn write<E: Error>(self, value: &impl Serialize) -> Result<(), E> {
        *self.0 += &serde_json::to_string(value).map_err(E::custom)?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.write(&())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let text = self.0;
        text.push('[');
        while list.next_element_seed(Text(text))?.is_some() {
            text.push(',');
        }
        close(text, ']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let text = self.0;
        text.push('{');
        while map.next_key_seed(Text(text))?.is_some() {
            text.push(':');
            map.next_value_seed(Text(text))?;
            text.push(',');
        }
        close(text, '}');
        Ok(())
    }
}

/// Ends a list or a map; the last comma goes.
fn close(text: &mut String, with: char) {
    if text.ends_with(',') {
        text.pop();
    }
    text.push(with);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, serde_json::Error> {
        serde_json::from_str::<Json>(text).map(|json| json.text().to_owned())
    }

    #[test]
    fn blanks_go_and_everything_else_stays() {
        let text = r#"{"b":[1,-2,18446744073709551615,1.5,[],{},[[]]],"a":{"x":null,"y":"\" ,]\u0007é"},"z":[true,false,","]}"#;
        assert_eq!(read(text).unwrap(), text);
        assert_eq!(read(&text.replace("\":", "\" : ").replace("[1,", "[\n 1,\r\n\t")).unwrap(), text);
        for text in ["null", "0", "\"\"", "[]", "{}"] {
            assert_eq!(read(text).unwrap(), text);
        }
        let json: Json = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&json).unwrap(), text);
        assert_ne!(json, Json::default());
    }

    #[test]
    fn what_others_could_not_read_is_refused() {
        for text in ["1e999", "\"\\ud800\"", "[1,]", "{1:2}", "", &("[".repeat(200) + &"]".repeat(200))] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
