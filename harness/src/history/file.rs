//! `history.jsonl`: one JSON value a line. The first is the header `{"lockstep_history":1,…}`, each other one an
//! observation, in order of time. The same history always gives the same bytes.
use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

use super::{History, Meta, Observation};

/// The format's version; a reader refuses others.
const VERSION: u32 = 1;
/// Longest line that is read, in bytes: a metrics sample of a large run has some ten thousand.
const LONGEST: u64 = 8 << 20;

/// Why a history can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file system, or whatever stands behind.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line that says something else than it should.
    #[error("line {line}: {reason}")]
    Line {
        /// From 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    lockstep_history: u32,
    #[serde(flatten)]
    meta: Meta,
}

/// Writes a history.
///
/// # Errors
/// Those of `to`.
pub fn write(history: &History, mut to: impl Write) -> Result<(), HistoryError> {
    let header = Header { lockstep_history: VERSION, meta: history.meta().clone() };
    line(&mut to, &header)?;
    for observation in history.observations() {
        line(&mut to, observation)?;
    }
    Ok(to.flush()?)
}

fn line(to: &mut impl Write, value: &impl Serialize) -> Result<(), HistoryError> {
    serde_json::to_writer(&mut *to, value).map_err(io::Error::from)?;
    Ok(to.write_all(b"\n")?)
}

/// Reads a history.
///
/// # Errors
/// The first line that is too long, no JSON of the expected shape, of another version, or earlier than the line before.
pub fn read(mut from: impl BufRead) -> Result<History, HistoryError> {
    let mut history: Option<History> = None;
    let mut bytes = Vec::new();
    for line in 1.. {
        let wrong = |reason: String| HistoryError::Line { line, reason };
        bytes.clear();
        (&mut from).take(LONGEST + 1).read_until(b'\n', &mut bytes)?;
        if bytes.len() as u64 > LONGEST {
            return Err(wrong(format!("longer than {LONGEST} bytes")));
        }
        if bytes.is_empty() {
            break;
        }
        let Some(history) = &mut history else {
            let header: Header = parse(&bytes).map_err(wrong)?;
            if header.lockstep_history != VERSION {
                return Err(wrong(format!(
                    "version {} of the format, this program reads {VERSION}",
                    header.lockstep_history
                )));
            }
            history = Some(History::new(header.meta));
            continue;
        };
        let observation: Observation = parse(&bytes).map_err(wrong)?;
        let before = history.observations().last();
        if before.is_some_and(|before| before.at > observation.at) {
            return Err(wrong("earlier than the line before".into()));
        }
        history.push(observation);
    }
    history.ok_or(HistoryError::Line { line: 1, reason: "the header is missing: the file is empty".into() })
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    // The error's own line would always be 1.
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        match text.split_once(" at line ") {
            Some((reason, _)) => format!("column {}: {reason}", error.column()),
            None => text,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::build::history;
    use super::*;

    fn sample() -> History {
        history()
            .at(0)
            .process("a", true)
            .chain("a", 1000, 1000, "aa")
            .at(12_345)
            .log("a", "ping_sent", "nonce=18446744073709551615 ip=10.0.0.2 height=5")
            .wire("m", "a", false, "Ping", "nonce=9007199254740993")
            .connection("a", "opened", "10.0.0.2")
            .metrics("a", &[("x", 0.1 + 0.2), ("y", f64::INFINITY)])
            .fault_began(0, "cut a | m")
            .at(20_000)
            .fault_ended(0, Some("3 segments"), true)
            .ended()
    }

    fn bytes(history: &History) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(history, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read_again_and_written_alike() {
        let written = bytes(&sample());
        let read = read(written.as_slice()).unwrap();
        assert_eq!(read, sample());
        assert_eq!(bytes(&read), written);
    }

    #[test]
    fn the_format_stays() {
        insta::assert_snapshot!(String::from_utf8(bytes(&sample())).unwrap());
    }

    #[test]
    fn errors_name_the_line() {
        let good = String::from_utf8(bytes(&sample())).unwrap();
        let lines: Vec<&str> = good.lines().collect();
        let cases = [
            (String::new(), "line 1: the header is missing: the file is empty"),
            ("x\n".into(), "line 1: column 1: expected value"),
            (good.replacen("history\":1", "history\":2", 1), "line 1: version 2 of the format, this program reads 1"),
            (format!("{}\n\n", lines[0]), "line 2: column 0: EOF while parsing a value"),
            (format!("{}\n{}\n{}\n", lines[0], lines[4], lines[1]), "line 3: earlier than the line before"),
            (format!("{}\n{}", lines[0], &lines[1][..20]), "line 2: column 20: EOF while parsing"),
        ];
        for (text, expected) in cases {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let endless = io::BufReader::new(io::repeat(b' '));
        let error = read(endless).unwrap_err().to_string();
        assert_eq!(error, "line 1: longer than 8388608 bytes");
    }

    #[test]
    fn observations_are_ordered_by_time_and_then_by_arrival() {
        let late = history().at(5).log("a", "one", "").log("a", "two", "");
        let history = late.at(1).log("b", "zero", "").done();
        let sources: Vec<_> = history.observations().iter().map(|o| o.to_string()).collect();
        assert_eq!(sources, ["0.001 s  b  INFO zero: zero", "0.005 s  a  INFO one: one", "0.005 s  a  INFO two: two"]);
    }
}
