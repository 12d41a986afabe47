//! `lockstep certify`.
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{CliError, Exit};
use crate::certify::statement::{Status, Tried, rows};
use crate::certify::{Subject, Suite, Trial, Waivers, run};
use crate::check::{Channel, Verdict};
use crate::history::black_box;
use crate::run::{Backend, folder};

#[derive(Debug, Args)]
pub(super) struct CertifyArgs {
    /// The reference node, in virtual time.
    #[arg(long)]
    reference: bool,
    /// Folder of the cases.
    #[arg(long, value_name = "DIR", default_value = "fixtures/cases")]
    cases: PathBuf,
    /// Only cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    case: Option<String>,
    /// Seed of all trials.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Trials at the same time. Default: one per core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Folder for the statement and its evidence.
    #[arg(long, value_name = "DIR", default_value = "lockstep-statement")]
    out: PathBuf,
}

pub(super) fn certify(args: &CertifyArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let suite = Suite::load(&args.cases)?;
    let subject = Subject::simulated(Backend::simulation());
    let wanted = |trial: &Trial| args.case.as_ref().is_none_or(|text| trial.to_string().contains(text.as_str()));
    let trials: Vec<Trial> = suite.trials(true).into_iter().filter(wanted).collect();
    let jobs = args.jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let mut by_row: BTreeMap<String, (Vec<Tried>, BTreeSet<Channel>)> = BTreeMap::new();
    let mut written = Ok(());
    run(&trials, &subject, args.seed, jobs, |i, told| {
        let trial = &trials[i];
        let (tried, unseen) = match told {
            Ok((history, judgement)) => {
                let (_, during) = black_box(&history, subject.setup);
                if judgement.verdict != Verdict::Pass {
                    let path = args.out.join(format!("{trial}.jsonl"));
                    let _ = std::fs::create_dir_all(&args.out);
                    let _ = std::fs::File::create(path).map(|file| crate::history::write(&history, file));
                }
                (Tried::new(trial, &judgement, &during, String::new()), judgement.not_observed)
            }
            Err(why) => (Tried::broken(trial, why, String::new()), BTreeSet::new()),
        };
        written = (|| {
            writeln!(out, "{:<14} {trial}  {}", tried.status, tried.title)?;
            if tried.status != Status::Pass {
                for ground in &tried.grounds {
                    writeln!(out, "    {ground}")?;
                }
                for check in tried.checks.iter().filter(|check| check.status != Status::Pass) {
                    writeln!(out, "    {}: {} (line {:?})", check.status, check.check, check.line)?;
                    writeln!(out, "      expected  {}", check.expected)?;
                    writeln!(out, "      actual    {}", check.actual)?;
                    writeln!(out, "      nearest   {:?}", check.nearest)?;
                }
                for line in &tried.transcript {
                    writeln!(out, "      | {line}")?;
                }
            }
            Ok::<(), std::io::Error>(())
        })();
        let (rows, not_observed) = by_row.entry(trial.case.requirements[0].clone()).or_default();
        rows.push(tried);
        not_observed.extend(unseen);
        written.is_ok()
    });
    written?;
    let _ = folder::place;
    let rows = rows(by_row, &Waivers::default());
    let worst = rows.iter().map(|row| row.status).max();
    writeln!(out, "{worst:?}")?;
    Ok(Exit::Expected)
}
