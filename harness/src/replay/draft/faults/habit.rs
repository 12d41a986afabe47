//! What a scripted peer does all the time.

/// How one that answers late begins.
pub(super) const SLOWLY: &str = "{delayed_answers:";

/// A deviation that a scripted peer always has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habit {
    /// As YAML.
    pub deviation: String,
    /// The lines that show it.
    pub source: String,
}

impl Habit {
    /// Whether one gets blocks all the same.
    pub fn serves(&self) -> bool {
        self.deviation.starts_with(SLOWLY)
    }
}
