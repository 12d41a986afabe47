//! The forms in which lines of a production node reach an operator.
use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::host::Line;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `2025-12-02 17:41:47.733 [mn11]  INFO message`, with colours as on a terminal.
    Colours,
    /// The same without colours.
    Pretty,
    /// `Dec 26 21:00:00 mn11 timed[312887]:  INFO message`.
    Journal,
    /// `Dec 26 21:00:00 mn11: message`.
    JournalShort,
    /// `{"timestamp":"…Z","level":"INFO","fields":{"message":"…"},"target":"…"}`.
    Json,
    /// `21:00:00 INFO message`.
    Bare,
}

impl Form {
    /// The line of a host whose clock says `began` at the start of the run, with its end.
    pub fn line(self, began: DateTime, host: &str, line: &Line) -> String {
        let Line { at, level, target, text } = line;
        let at = began + SignedDuration::try_from(*at).expect("a run is short");
        let day = |form| at.strftime(form);
        match self {
            Form::Colours => {
                let colour = if *level == "INFO" { 32 } else { 33 };
                let head = day("%Y-%m-%d %H:%M:%S%.3f");
                format!("\x1b[2m{head} [{host}]\x1b[0m \x1b[{colour}m{level:>5}\x1b[0m {text}\n")
            }
            Form::Pretty => format!("{} [{host}] {level:>5} {text}\n", day("%Y-%m-%d %H:%M:%S%.3f")),
            Form::Journal => {
                let process: u32 = 4_000 + host.bytes().map(u32::from).sum::<u32>();
                format!("{} {host} timed[{process}]: {level:>5} {text}\n", day("%b %e %H:%M:%S"))
            }
            Form::JournalShort => format!("{} {host}: {text}\n", day("%b %e %H:%M:%S")),
            Form::Json => {
                let time = day("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
                let [time, text] = [&time, text].map(|text| serde_json::Value::from(text.as_str()));
                let fields = format!("{{\"message\":{text}}}");
                format!("{{\"timestamp\":{time},\"level\":\"{level}\",\"fields\":{fields},\"target\":\"{target}\"}}\n")
            }
            Form::Bare => format!("{} {level} {text}\n", day("%H:%M:%S")),
        }
    }

    /// What the program prints before its log begins, where its output is all kept.
    pub fn banner(self, host: &str) -> String {
        match self {
            Form::Colours | Form::Pretty => format!(
                "\n╔═════════════════════════════╗\n║  🖥️  NODE: {host:<17}║\n╚═════════════════════════════╝\n\n\
                 📡 Network: Testnet\n  └─ Magic Bytes: [84, 73, 77, 69]\n\n✓ Blockchain initialized\n\n"
            ),
            _ => String::new(),
        }
    }
}
