//! The only place that knows the YAML library: text to values with their places, its errors in our words, and values to text.
use std::borrow::Cow;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::Serialize;
use serde_yaml::budget::BudgetBreach;
use serde_yaml::{Budget, DuplicateKeyPolicy, Error, MergeKeyPolicy, Options};

use super::error::Problem;
use super::vocabulary::allowed;

/// Where something stands in a scenario file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Line, from 1; 0 where it is the whole file.
    pub line: u64,
    /// Bytes of the text.
    pub bytes: Range<usize>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub place: Place,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_yaml::Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { value: spanned.value, place: spanned.referenced.into() })
    }
}

impl<T: JsonSchema> JsonSchema for Spanned<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl From<serde_yaml::Location> for Place {
    fn from(location: serde_yaml::Location) -> Self {
        let span = location.span();
        // A text below 1 MiB: its offsets fit.
        let offset = span.byte_offset().unwrap_or(0) as usize;
        let length = span.byte_len().unwrap_or(0) as usize;
        Self { line: location.line(), bytes: offset..offset + length }
    }
}

/// Reads one document into `T`; anchors, aliases, merge keys, tags and duplicate keys are refused.
///
/// # Errors
/// The first thing that does not fit.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    serde_yaml::from_str_with_options(text, options()).map_err(|error| explain(&error, text))
}

/// Writes one document, so that readers of YAML 1.1 and 1.2 read the same: texts of several lines as blocks, others unfolded.
///
/// # Errors
/// What has no form in YAML, in the library's words.
pub fn to_text<T: Serialize>(value: &T) -> Result<String, String> {
    let options = serde_yaml::ser_options! { folded_wrap_chars: 1 << 20 };
    serde_yaml::to_string_with_options(value, options).map_err(|error| error.to_string())
}

fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_anchors = 0;
    budget.max_aliases = 0;
    budget.max_depth = 32;
    budget.max_documents = 1;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.merge_keys = MergeKeyPolicy::Error;
    options.reject_unsupported_tags = true;
    options.strict_booleans = true;
    options.with_snippet = false;
    options
}

fn explain(error: &Error, text: &str) -> Problem {
    let place = error.location().filter(|location| location.line() > 0).map(|location| place(location, text));
    let problem = |title: String| Problem::new(place.clone(), title);
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            problem(format!("unknown key `{field}`")).help(allowed(field, expected.iter().copied()))
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            problem(format!("unknown word `{variant}`")).help(allowed(variant, expected.iter().copied()))
        }
        Error::SerdeMissingField { field, .. } => problem(format!("missing key `{field}`")),
        Error::DuplicateMappingKey { key, .. } => {
            problem(format!("key `{}` stands twice", key.as_deref().unwrap_or("?"))).help("each key may stand once")
        }
        Error::Budget { breach: BudgetBreach::Anchors { .. } | BudgetBreach::Aliases { .. }, .. }
        | Error::UnknownAnchor { .. }
        | Error::AliasError { .. }
        | Error::MergeKeyNotAllowed { .. } => {
            problem("anchors, aliases and merge keys are not allowed".into()).help("write the value out")
        }
        Error::Budget { breach: BudgetBreach::Documents { .. }, .. } | Error::MultipleDocuments { .. } => {
            problem("a second document begins here".into()).help("one file, one scenario")
        }
        Error::Budget { breach, .. } => problem(format!("too much for a scenario: {breach:?}")),
        Error::UnsupportedTag { tag, .. } => problem(format!("tag `{tag}` is not allowed")),
        Error::Eof { .. } => problem("the file holds nothing".into()).help("`lockstep schema` tells the keys"),
        Error::NullIntoString { .. } => problem("a value is missing here".into()),
        Error::Unexpected { expected: "string scalar", .. } => problem("one plain value is expected here".into()),
        Error::Unexpected { expected: "mapping start", .. } => problem("keys and values are expected here".into()),
        Error::Unexpected { expected: "sequence start", .. } => {
            problem("a list is expected here".into()).help("write [one, two], or a line with `- ` for each")
        }
        Error::InvalidScalar { ty, .. } => problem(format!("this is no {ty}")),
        Error::UnexpectedValueForUnitEnumVariant { .. } => {
            problem("this word takes no value".into()).help("write the word alone")
        }
        Error::ExpectedMappingEndAfterEnumVariantValue { .. } => {
            problem("a second key where one is expected".into()).help("begin a new `- ` for each")
        }
        other => {
            let text = other.to_string();
            problem(text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text).to_owned())
        }
    }
}

/// The scanner's errors have a line and a column only.
fn place(location: serde_yaml::Location, text: &str) -> Place {
    if location.span().byte_offset().is_some() {
        return location.into();
    }
    let before =
        text.split_inclusive('\n').take((location.line() as usize).saturating_sub(1)).map(str::len).sum::<usize>();
    let line = text[before..].lines().next().unwrap_or("");
    let column =
        line.char_indices().nth((location.column() as usize).saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    Place { line: location.line(), bytes: before + column..before + column }
}
