//! What the README shows works.
use harness::check::Verdict;
use harness::run::{Backend, run};
use harness::scenario::Scenario;

#[test]
fn the_example_runs_and_passes() {
    let readme = include_str!("../../../README.md");
    let example = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let scenario = Scenario::parse("readme", example).unwrap();
    let run = run(&scenario, 1, &Backend::simulation()).unwrap();
    let grounds: Vec<_> = run.judged.findings.iter().filter(|finding| finding.verdict != Verdict::Pass).collect();
    assert!(grounds.is_empty(), "{grounds:#?}");
}
