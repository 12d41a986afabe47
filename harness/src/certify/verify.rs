//! A statement's evidence judged again, without the node.
use std::path::Path;
use std::time::Duration;

use super::case::Suite;
use super::folder::{StatementError, read_evidence};
use super::judgement::judge;
use super::statement::{Row, Statement, Tried};
use super::trial::Trial;
use super::waiver::Waivers;
use crate::history::black_box;
use crate::peer::Chains;
use crate::scenario::requirement::catalogue;

/// What judging again found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Trials whose evidence was judged again.
    pub judged: usize,
    /// Trials without evidence: they could not be made, or the harness failed.
    pub without: usize,
    /// What the statement says otherwise than its evidence; empty where it says the same.
    pub differences: Vec<String>,
}

/// Judges everything in `folder`'s evidence again by `suite`, whose digest must be the statement's.
///
/// # Errors
/// Evidence that is missing, was changed, or is no history.
pub fn verify(statement: &Statement, folder: &Path, suite: &Suite) -> Result<Verified, StatementError> {
    let mut verified = Verified { judged: 0, without: 0, differences: Vec::new() };
    let waivers = Waivers::of(&statement.rows);
    for row in &statement.rows {
        let mut again = Vec::new();
        for tried in &row.trials {
            again.push(match &tried.evidence {
                None => {
                    verified.without += 1;
                    tried.clone()
                }
                Some(_) => {
                    verified.judged += 1;
                    let again = judged_again(statement, tried, folder, suite)?;
                    let Some(again) = again else {
                        verified.differences.push(format!("{}: the suite has no such case", tried.name()));
                        continue;
                    };
                    if again != *tried {
                        let difference = match again.status == tried.status {
                            true => format!("still {}, on other grounds", again.status),
                            false => format!("{}, not {}", again.status, tried.status),
                        };
                        verified.differences.push(format!("{}: its evidence says {difference}", tried.name()));
                    }
                    again
                }
            });
        }
        let Some(requirement) = catalogue().iter().find(|known| known.id == row.id) else {
            verified.differences.push(format!("{}: the catalogue has no such requirement", row.id));
            continue;
        };
        let again = Row::new(requirement, again, row.not_observed.clone(), &waivers);
        if again.status != row.status {
            verified.differences.push(format!("{}: its trials say {}, not {}", row.id, again.status, row.status));
        }
    }
    Ok(verified)
}

fn judged_again(
    statement: &Statement,
    tried: &Tried,
    folder: &Path,
    suite: &Suite,
) -> Result<Option<Tried>, StatementError> {
    let Some(evidence) = &tried.evidence else { return Ok(None) };
    let Some(case) = suite.cases.iter().find(|case| case.name == tried.case) else { return Ok(None) };
    let history = read_evidence(folder, evidence)?;
    let trial = Trial { case: case.clone(), way: tried.way };
    let setup = Duration::from_millis(statement.run.setup_ms);
    let chains = Chains::build_on(&statement.subject.ledger, &case.staged(tried.way, setup));
    let judgement = judge(case, statement.run.seed, setup, &statement.subject.observed, &chains, &history);
    let (_, during) = black_box(&history, setup);
    let again = Tried::new(&trial, &judgement, &during, tried.repeat.clone());
    Ok(Some(Tried { evidence: tried.evidence.clone(), ..again }))
}
