//! JUnit XML, one test case per run: a failure fails, what is inconclusive is an error, what is unsupported is skipped.
//! Neither of the last two is a pass, and each says why.
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::check::{Finding, Verdict};
use crate::run::ScenarioResult;

use super::Results;

/// Writes the document.
pub fn write(to: &mut dyn Write, results: &Results) -> io::Result<()> {
    let mut suite = TestSuite::new("scenarios");
    suite.set_time(results.wall_time);
    suite.add_test_cases(results.runs.iter().map(case));
    let mut report = Report::new("lockstep");
    report.set_time(results.wall_time);
    report.add_test_suite(suite);
    report.serialize(to).map_err(io::Error::other)
}

fn case(result: &ScenarioResult) -> TestCase {
    let mut status = match result.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Unsupported => TestCaseStatus::skipped(),
    };
    let grounds = result.grounds();
    if result.verdict != Verdict::Pass {
        let first = grounds.first();
        let message = first.map_or("nothing was judged".into(), |finding| {
            format!("{}: expected {}; actual {}", finding.check, finding.expected, finding.actual)
        });
        status.set_message(message);
        status.set_type(result.verdict.to_string());
        let grounds: Vec<String> = grounds.into_iter().map(words).collect();
        let requirements = result.requirements.join(", ");
        status.set_description(format!(
            "requirements: {requirements}\n{}\nseed {}, run again: {}",
            grounds.join("\n"),
            result.seed,
            result.repeat
        ));
    }
    let mut case = TestCase::new(format!("{} (seed {})", result.name, result.seed), status);
    case.set_classname(&result.name);
    case.set_time(result.wall_time);
    case
}

fn words(finding: &Finding) -> String {
    let mut text =
        format!("{}: {}\n  expected {}\n  actual {}", finding.verdict, finding.check, finding.expected, finding.actual);
    if let Some(nearest) = &finding.nearest {
        text.push_str(&format!("\n  nearest {nearest}"));
    }
    if let Some(disturbed) = finding.disturbed() {
        text.push_str(&format!("\n  {disturbed}"));
    }
    text
}
