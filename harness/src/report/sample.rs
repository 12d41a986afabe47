//! One result of each verdict, for the renderers' tests.
use std::time::Duration;

use crate::check::{Finding, Verdict};
use crate::run::{Converged, ScenarioResult, Shard, repeat_command};

use super::{Results, Shards};

/// A finding of this verdict.
pub fn finding(verdict: Verdict, check: &str) -> Finding {
    Finding {
        verdict,
        check: check.into(),
        line: Some(31),
        expected: "2 of 3: requested on a (end <= 1100), by 35.000 s".into(),
        actual: "not seen".into(),
        nearest: None,
        at: None,
        faults_in_force: Vec::new(),
        budget: None,
    }
}

fn result(name: &str, seed: u64, findings: Vec<Finding>) -> ScenarioResult {
    ScenarioResult {
        name: name.into(),
        title: "A node 100 behind syncs".into(),
        requirements: vec!["MNS-SC-01".into(), "MNS-SC-02".into()],
        seed,
        verdict: Verdict::worst(findings.iter().map(|finding| finding.verdict)),
        findings,
        convergence: vec![Converged { what: "a, b converge on one tip".into(), took: Duration::from_millis(31_060) }],
        backend: "sim".into(),
        time_scale: 1,
        virtual_time: Duration::from_secs(600),
        wall_time: Duration::from_millis(100 + seed),
        faults: vec!["cut a | m1".into()],
        folder: Some(format!("out/{name}-seed{seed}").into()),
        repeat: repeat_command(&format!("scenarios/{name}.yaml"), seed),
    }
}

/// The results.
pub fn results() -> Results {
    let pass = || finding(Verdict::Pass, "never ahead on a");
    let failed = Finding {
        nearest: Some("30.000 s  a  INFO requested: 📤 Requesting\u{1b}[2J blocks 1001-1500 <from> & \"m1\"".into()),
        at: Some(Duration::from_secs(35)),
        faults_in_force: vec!["cut a | m1".into(), "pause m2".into()],
        ..finding(Verdict::Fail, "sequence: behind on a, then requested on a")
    };
    let blunt = Finding {
        line: None,
        at: Some(Duration::from_secs(60)),
        ..finding(Verdict::Inconclusive, "fault: cut a | m1")
    };
    let without = ScenarioResult {
        requirements: Vec::new(),
        folder: None,
        convergence: Vec::new(),
        ..result("chaos/skew", 1, vec![finding(Verdict::Unsupported, "skew")])
    };
    let runs = vec![
        result("phase-3/01-behind-by-100", 1, vec![pass()]),
        result("phase-3/01-behind-by-100", 2, vec![pass(), blunt.clone(), failed]),
        result("phase-3/02-bypass", 1, vec![blunt, pass()]),
        without,
    ];
    let shards = Shards::one(Shard { index: 0, of: 1 }, runs.len(), "e3b0".into());
    Results { shards, runs, wall_time: Duration::from_millis(1_234) }
}
