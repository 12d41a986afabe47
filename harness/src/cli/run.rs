//! What `lockstep run` is told.
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Run scenarios and judge them.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Scenario files, or folders of them.
    #[arg(value_name = "PATH", default_value = "scenarios")]
    pub paths: Vec<PathBuf>,
    /// Seed of the first run of each scenario.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seeds per scenario, from `--seed` upwards.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub seeds: u32,
    /// Only scenarios whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Scenarios at the same time. Default: one per core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Folder for the runs' folders.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Forms of the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
    /// JUnit's XML.
    Junit,
}
