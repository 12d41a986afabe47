//! One JSON document, versioned: `{"lockstep_replay": 1, "title", "sources": [text], "hosts": [{"name", "clock_ahead_us", "clock_pairs"}],
//! "arms": [{"name", "reproduced": [check], "cured": [check], "fidelity": fidelity or null}], "not_understood": [{"kind", "count",
//! "sample", "place"}], "unknowns": [text]}`.
//!
//! A check is `{"check", "verdict", "actual"}`. A fidelity is `{"score": 0 to 100 or null, "parts": [{"kind", "weight", "reached",
//! "possible", "words"}], "missing": [{"part", "host", "what", "instead", "count", "place", "at"}], "extra": {node: {event: count}},
//! "not_comparable": {event: count}}`; `at` is in microseconds since 1970. Keys may be added within a version.
use serde::Serialize;

use crate::replay::Fidelity;
use crate::replay::report::{Judged, NotUnderstood, Report};

/// The document's version.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    lockstep_replay: u32,
    title: &'a str,
    sources: &'a [String],
    hosts: Vec<Host<'a>>,
    arms: Vec<Arm<'a>>,
    not_understood: &'a [NotUnderstood],
    unknowns: &'a [String],
}

#[derive(Serialize)]
struct Host<'a> {
    name: &'a str,
    clock_ahead_us: i64,
    clock_pairs: u64,
}

#[derive(Serialize)]
struct Arm<'a> {
    name: &'a str,
    reproduced: &'a [Judged],
    cured: &'a [Judged],
    fidelity: Option<&'a Fidelity>,
}

/// The document.
///
/// # Errors
/// Those of serde_json; a report holds nothing that has no JSON form.
pub fn json(report: &Report<'_>) -> Result<String, serde_json::Error> {
    let hosts = report.incident.hosts.iter().map(|host| Host {
        name: &host.name,
        clock_ahead_us: host.offset.micros,
        clock_pairs: host.offset.pairs,
    });
    let arms = report.arms.iter().map(|arm| Arm {
        name: &arm.name,
        reproduced: &arm.reproduced,
        cured: &arm.cured,
        fidelity: arm.fidelity.as_ref(),
    });
    serde_json::to_string_pretty(&Document {
        lockstep_replay: VERSION,
        title: &report.title,
        sources: &report.sources,
        hosts: hosts.collect(),
        arms: arms.collect(),
        not_understood: &report.not_understood,
        unknowns: &report.unknowns,
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    #[test]
    fn the_document_says_its_version_and_the_score() {
        let text = json(&Sample::new().report()).unwrap();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["lockstep_replay"], 1);
        assert!(document["arms"][0]["fidelity"]["score"].is_f64(), "{text}");
        assert_eq!(document["arms"][0]["fidelity"]["parts"][1]["kind"], "events");
        assert_eq!(document["arms"][1]["cured"][0]["verdict"], "fail");
        insta::assert_snapshot!(text);
    }
}
