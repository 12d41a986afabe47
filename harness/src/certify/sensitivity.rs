//! What the suite is known to find: the figure of `fixtures/sensitivity.md`, which `ci/sensitivity.sh` writes.

const TABLE: &str = include_str!("../../../fixtures/sensitivity.md");

/// `30 of 30`: deliberate defects of the reference node that a case of the requirement they break finds.
pub fn sensitivity() -> &'static str {
    TABLE.lines().find_map(|line| line.strip_prefix("Killed: ")).unwrap_or("not measured")
}
