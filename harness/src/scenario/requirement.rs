//! The catalogue of requirements, as it is shipped in `fixtures/requirements.yaml`.
use std::sync::LazyLock;

use serde::Deserialize;

/// One row: what a masternode must do, and how a black box shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// `MNS-SC-01`; never reused.
    pub id: String,
    /// `MUST` or `SHOULD`.
    pub level: String,
    /// How it is observed: W wire, L log, M metric, X from outside.
    pub channel: String,
    /// Where it comes from.
    pub from: String,
    /// The place in its source.
    pub source: String,
    /// What a node must do.
    pub requirement: String,
    /// What scripted peers do.
    pub peer: String,
    /// What must be seen.
    pub observe: String,
}

/// All rows, in order of the catalogue.
pub fn catalogue() -> &'static [Requirement] {
    static ROWS: LazyLock<Vec<Requirement>> = LazyLock::new(|| {
        super::yaml::parse(include_str!("../../../fixtures/requirements.yaml"))
            .expect("the shipped catalogue is valid: a test reads it")
    });
    &ROWS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_read_whole_and_its_ids_are_unique() {
        let ids: std::collections::BTreeSet<_> = catalogue().iter().map(|row| &row.id).collect();
        assert_eq!(ids.len(), catalogue().len());
        let rows = include_str!("../../../fixtures/requirements.yaml").matches("\n- id: ").count();
        assert_eq!(catalogue().len(), rows);
    }
}
