//! `[log]`
use serde::{Deserialize, Deserializer};
use tracing_subscriber::EnvFilter;

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// JSON lines instead of text: `format = "json"` or `"text"`.
    #[serde(rename = "format", deserialize_with = "is_json")]
    pub json: bool,
    /// A tracing filter, `info` by default.
    #[serde(deserialize_with = "filter")]
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { json: false, level: "info".to_owned() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Text,
    Json,
}

fn is_json<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(matches!(Format::deserialize(from)?, Format::Json))
}

fn filter<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    match EnvFilter::builder().parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(serde::de::Error::custom(format!("`{text}`: {error}"))),
    }
}
