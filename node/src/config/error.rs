//! What can be wrong with a configuration.
use std::io;
use std::path::PathBuf;

/// A configuration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file can't be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text is no TOML, or names an unknown key or a bad value.
    #[error("{origin}: {report}")]
    Invalid {
        /// Where the text is from.
        origin: String,
        /// Line, column, caret, what is allowed, and the nearest spelling.
        report: String,
    },
    /// Only the testnet's genesis is built in (D-26).
    #[error("network `{name}` needs a genesis: name its file in `[network] genesis` or with --genesis")]
    NoGenesis {
        /// The network's name.
        name: String,
    },
    /// The genesis file holds no genesis.
    #[error("{}: not a genesis block: {reason}", path.display())]
    BadGenesis {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl ConfigError {
    /// The place and the reason that the parser gives, and the nearest known name.
    pub(super) fn invalid(origin: &str, error: &toml::de::Error) -> Self {
        let mut report = error.to_string().trim_end().to_owned();
        if let Some(near) = nearest(error.message()) {
            report.push_str(&format!("\ndid you mean `{near}`?"));
        }
        Self::Invalid { origin: origin.to_owned(), report }
    }
}

/// The nearest of the names in serde's "unknown field `x`, expected one of `a`, `b`".
fn nearest(message: &str) -> Option<&str> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next().filter(|_| message.starts_with("unknown "))?;
    quoted
        .map(|known| (strsim::damerau_levenshtein(wrong, known), known))
        .filter(|(distance, known)| *distance <= known.len() / 3 + 1)
        .min()
        .map(|(_, known)| known)
}
