//! One JSON document, versioned: `{"lockstep_report": 1, "lockstep": its version, "verdict", "counts": {"pass", "fail", "inconclusive",
//! "unsupported"}, "wall_ms", "shards": {"of", "here": [number], "runs", "whole": digest}, "runs": [run]}`. Verdict and counts are those of
//! the runs that are here; `shards` says of which they are, and how many runs all shards have.
//!
//! A run is `{"scenario", "title", "requirements": [id], "seed", "verdict", "backend", "time_scale", "virtual_ms", "wall_ms", "faults": [words],
//! "convergence": [{"what", "ms"}], "findings": [finding], "folder": path or null, "repeat": command}`; a finding is
//! `{"verdict", "check", "line": number or null, "expected", "actual", "nearest": line or null, "at_ms": number or null,
//! "faults_in_force": [words]}`. Times are whole milliseconds since the start of the run. Keys may be added within a version.
use std::fmt;
use std::io::{self, Read, Write};
use std::time::Duration;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::check::Verdict;
use crate::run::ScenarioResult;

use super::Counts;
use super::results::{Results, Shards};

/// The document's version.
pub const VERSION: u32 = 1;

/// The program's version.
const LOCKSTEP: &str = env!("CARGO_PKG_VERSION");

#[derive(Serialize)]
struct Document<'a> {
    lockstep_report: u32,
    lockstep: &'a str,
    verdict: Verdict,
    counts: Counts,
    wall_ms: u128,
    shards: &'a Shards,
    runs: &'a [ScenarioResult],
}

/// Writes the document.
pub fn write(to: &mut dyn Write, results: &Results) -> io::Result<()> {
    let document = Document {
        lockstep_report: VERSION,
        lockstep: LOCKSTEP,
        verdict: Verdict::worst(results.runs.iter().map(|result| result.verdict)),
        counts: Counts::of(&results.runs),
        wall_ms: results.wall_time.as_millis(),
        shards: &results.shards,
        runs: &results.runs,
    };
    serde_json::to_writer_pretty(&mut *to, &document)?;
    writeln!(to)
}

/// Reads a document of this version; the error comes with the number of runs that were read whole before it.
pub fn read(from: impl Read) -> Result<Results, (serde_json::Error, usize)> {
    let mut whole = 0;
    let mut json = serde_json::Deserializer::from_reader(from);
    let results = Reader(&mut whole).deserialize(&mut json).and_then(|results| json.end().map(|()| results));
    results.map_err(|error| (error, whole))
}

/// Counts the runs that are read whole.
struct Reader<'a>(&'a mut usize);

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Results;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Results, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Results;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a report of `lockstep run --format json`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Results, A::Error> {
        let (mut version, mut wall_ms, mut shards, mut runs) = (None, None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "lockstep_report" => version = Some(same(map.next_value::<u32>()?, VERSION, "a report of version")?),
                "lockstep" => drop(same(map.next_value::<String>()?, LOCKSTEP.to_owned(), "written by lockstep")?),
                "wall_ms" => wall_ms = Some(map.next_value()?),
                "shards" => shards = Some(map.next_value()?),
                "runs" => runs = Some(map.next_value_seed(Runs(&mut *self.0))?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        version.ok_or_else(|| A::Error::missing_field("lockstep_report"))?;
        Ok(Results {
            shards: shards.ok_or_else(|| A::Error::missing_field("shards"))?,
            runs: runs.ok_or_else(|| A::Error::missing_field("runs"))?,
            wall_time: Duration::from_millis(wall_ms.ok_or_else(|| A::Error::missing_field("wall_ms"))?),
        })
    }
}

fn same<T: PartialEq + fmt::Display, E: Error>(is: T, ours: T, what: &str) -> Result<T, E> {
    if is == ours { Ok(is) } else { Err(E::custom(format_args!("{what} {is}; this is {ours}"))) }
}

struct Runs<'a>(&'a mut usize);

impl<'de> DeserializeSeed<'de> for Runs<'_> {
    type Value = Vec<ScenarioResult>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Runs<'_> {
    type Value = Vec<ScenarioResult>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of runs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut runs = Vec::new();
        while let Some(run) = seq.next_element()? {
            runs.push(run);
            *self.0 = runs.len();
        }
        Ok(runs)
    }
}
