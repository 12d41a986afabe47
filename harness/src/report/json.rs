//! One JSON document, versioned: `{"lockstep_report": 1, "verdict", "counts": {"pass", "fail", "inconclusive", "unsupported"},
//! "wall_ms", "runs": [run]}`.
//!
//! A run is `{"scenario", "title", "requirements": [id], "seed", "verdict", "backend", "time_scale", "virtual_ms", "wall_ms", "faults": [words],
//! "convergence": [{"what", "ms"}], "findings": [finding], "folder": path or null, "repeat": command}`; a finding is
//! `{"verdict", "check", "line": number or null, "expected", "actual", "nearest": line or null, "at_ms": number or null,
//! "faults_in_force": [words]}`. Times are whole milliseconds since the start of the run. Keys may be added within a version.
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::check::Verdict;
use crate::run::ScenarioResult;

use super::Counts;

/// The document's version.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    lockstep_report: u32,
    verdict: Verdict,
    counts: Counts,
    wall_ms: u128,
    runs: &'a [ScenarioResult],
}

/// Writes the document.
pub fn write(to: &mut dyn Write, results: &[ScenarioResult], wall_time: Duration) -> io::Result<()> {
    let document = Document {
        lockstep_report: VERSION,
        verdict: Verdict::worst(results.iter().map(|result| result.verdict)),
        counts: Counts::of(results),
        wall_ms: wall_time.as_millis(),
        runs: results,
    };
    serde_json::to_writer_pretty(&mut *to, &document)?;
    writeln!(to)
}
