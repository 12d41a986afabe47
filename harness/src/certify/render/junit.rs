//! JUnit's XML: an area is a test suite, a requirement a test case.
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::remarks;
use crate::certify::statement::{Row, Statement, Status, area_name};

/// The whole document.
pub fn junit(statement: &Statement) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new(format!("lockstep certify {}", statement.subject.name));
    for (area, rows) in statement.areas() {
        let mut suite = TestSuite::new(area_name(area));
        suite.add_test_cases(rows.into_iter().map(case));
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn case(row: &Row) -> TestCase {
    let status = match row.status {
        Status::Pass => TestCaseStatus::success(),
        Status::ExpectedFail | Status::Unsupported | Status::NotTried => TestCaseStatus::skipped(),
        Status::Fail | Status::UnexpectedPass => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::Inconclusive | Status::HarnessError => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let mut case = TestCase::new(format!("{} {}", row.id, row.requirement), status);
    let mut lines: Vec<String> = vec![row.status.to_string()];
    lines.extend(remarks(row));
    for tried in row.trials.iter().filter(|tried| tried.status != Status::Pass) {
        lines.push(format!("{}: {}", tried.name(), tried.status));
        lines.extend(tried.grounds.iter().cloned());
        for check in tried.checks.iter().filter(|check| check.status != Status::Pass) {
            lines.push(format!("{}: expected {}; actual {}", check.check, check.expected, check.actual));
        }
        lines.push(tried.repeat.clone());
    }
    if row.status != Status::Pass {
        case.status.set_message(lines.join("; "));
    }
    // Cases run side by side: the time of a row is that of its longest.
    let longest = row.trials.iter().map(|tried| tried.lasts_ms).max().unwrap_or(0);
    case.set_time(Duration::from_millis(longest));
    case.set_classname(row.id.clone());
    case
}
