//! A line's form, and what its head tells: time and host.
use std::borrow::Cow;

use super::clock::some_day;
use super::stamp::Stamp;
use super::structured;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// `2025-12-02 17:41:47.733 [mn11]  INFO message`.
    Pretty,
    /// `Dec 26 21:00:00 HOST unit[pid]:  INFO message`, and with an ISO time.
    Journald,
    /// An object of tracing's JSON.
    Json,
    /// `21:00:00 INFO message`, `18:30:00 - message`, `INFO message`.
    Bare,
    /// `2026-06-01T00:00:30.000000Z  INFO node: message field=value`.
    Reference,
    /// `    30.000 s  INFO message`, of a run's folder.
    Run,
    /// Without any head.
    Plain,
}

/// A line, taken apart.
#[derive(Debug, PartialEq)]
pub struct Line<'a> {
    /// Its form.
    pub form: Form,
    /// Its time.
    pub stamp: Option<Stamp>,
    /// Who wrote it.
    pub host: Option<&'a str>,
    /// What remains.
    pub message: Cow<'a, str>,
    /// Fields that it names itself, `event` among them.
    pub fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// It is an object that breaks off.
    pub torn: bool,
}

const LEVELS: [&str; 5] = ["INFO", "DEBUG", "WARN", "ERROR", "TRACE"];
/// Letters of a host's name, at most.
const LONGEST_NAME: usize = 64;

impl<'a> Line<'a> {
    /// Takes a line apart; `text` has no colours.
    pub fn parse(text: &'a str) -> Self {
        let text = text.trim_start_matches([' ', '\t']);
        let mut line = Self::head(text);
        if line.message.starts_with('{') {
            structured::json(&mut line);
        } else if line.form == Form::Reference {
            structured::suffix(&mut line);
        }
        line
    }

    fn head(text: &'a str) -> Self {
        let Some((stamp, length)) = Stamp::parse(text.as_bytes()) else {
            return match (after_level(text), run(text)) {
                (Some(message), _) => Self::new(Form::Bare, None, None, message),
                (None, Some((stamp, message))) => Self::new(Form::Run, Some(stamp), None, message),
                _ => Self::new(Form::Plain, None, None, text),
            };
        };
        let rest = &text[length..];
        let text_after = rest.trim_start();
        let (form, host, message) = match (stamp, after_level(text_after), bracketed(text_after)) {
            (Stamp::Yearless(..), ..) => {
                let (host, message) = journal(text_after);
                (Form::Journald, host, message)
            }
            (Stamp::OfDay(_), _, host) => {
                (Form::Bare, host.map(|(host, _)| host), host.map_or(text_after, |(_, text)| text))
            }
            (Stamp::Whole(_), _, Some((host, text))) => (Form::Pretty, Some(host), text),
            (Stamp::Whole(_), Some(message), None) if text.as_bytes()[10] == b'T' => {
                (Form::Reference, None, after_target(message))
            }
            (Stamp::Whole(_), None, None) if text.as_bytes()[10] == b'T' => {
                let (host, message) = journal(text_after);
                (Form::Journald, host, message)
            }
            (Stamp::Whole(_), ..) => (Form::Pretty, None, text_after),
        };
        let message = message.strip_prefix("- ").unwrap_or(message);
        Self::new(form, Some(stamp), host, after_level(message).unwrap_or(message))
    }

    fn new(form: Form, stamp: Option<Stamp>, host: Option<&'a str>, message: &'a str) -> Self {
        let message = Cow::Borrowed(message.trim());
        Self { form, stamp, host, message, fields: Vec::new(), torn: false }
    }
}

/// What follows a level.
fn after_level(text: &str) -> Option<&str> {
    let rest = LEVELS.iter().find_map(|level| text.strip_prefix(level))?;
    (rest.is_empty() || rest.starts_with([' ', ':', '\t'])).then(|| rest.trim_start_matches([' ', ':', '\t']))
}

/// `[mn11]  INFO message`: the name, and from the level on.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    (is_name(name) && after_level(rest).is_some()).then_some((name, rest))
}

/// `HOST unit[pid]: message`, `HOST: message`, or the message alone.
fn journal(text: &str) -> (Option<&str>, &str) {
    let Some((first, rest)) = text.split_once(' ') else { return (None, text) };
    if let Some(name) = first.strip_suffix(':').filter(|name| is_name(name) && !LEVELS.contains(name)) {
        return (Some(name), rest.trim_start());
    }
    let unit = rest.split(' ').next().filter(|unit| unit.ends_with("]:") && is_name(first));
    match unit {
        Some(unit) => (Some(first), rest[unit.len()..].trim_start()),
        None => (None, text),
    }
}

/// `node::protocol: message`, without the target.
fn after_target(text: &str) -> &str {
    let target = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    match text.split_once(": ") {
        Some((first, rest)) if first.bytes().all(target) => rest,
        _ => text,
    }
}

/// `30.000 s  INFO message`: a run's time, from the simulated beginning.
fn run(text: &str) -> Option<(Stamp, &str)> {
    let seconds = text.bytes().take_while(u8::is_ascii_digit).count();
    let (rest, level) = text[seconds..].split_once(" s ")?;
    let millis = rest.strip_prefix('.').filter(|millis| millis.len() == 3 && seconds > 0)?;
    let (seconds, millis): (i64, i64) = (text[..seconds].parse().ok()?, millis.parse().ok()?);
    let at = seconds.checked_mul(1_000_000)?.checked_add(some_day() + millis * 1000)?;
    Some((Stamp::Whole(at), after_level(level.trim_start())?))
}

fn is_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(letter)
}

#[cfg(test)]
mod tests {
    use super::super::stamp::{DAY, midnight};
    use super::*;

    fn parsed(text: &str) -> (Form, Option<&str>, String) {
        let line = Line::parse(text);
        (line.form, line.host, line.message.into_owned())
    }

    #[test]
    fn forms_are_guessed_line_by_line() {
        for (text, form, host) in [
            ("2026-01-07 10:00:00.125 [mn7]  INFO Hello: you", Form::Pretty, Some("mn7")),
            ("2026-01-07 10:00:00.125  WARN Hello: you", Form::Pretty, None),
            ("2026-01-07 10:00:00 Hello: you", Form::Pretty, None),
            ("Jan  7 10:00:00 LW-Ohio timed[71]:  INFO Hello: you", Form::Journald, Some("LW-Ohio")),
            ("Jan 17 10:00:00 LW-Ohio timed[71]: Hello: you", Form::Journald, Some("LW-Ohio")),
            ("Jan 17 10:00:00 LW-Ohio: Hello: you", Form::Journald, Some("LW-Ohio")),
            ("Jan 17 10:00:00 LW-Ohio:  WARN Hello: you", Form::Journald, Some("LW-Ohio")),
            ("Jan 17 10:00:00 INFO Hello: you", Form::Journald, None),
            ("2026-01-07T10:00:00+0000 ohio timed[71]: Hello: you", Form::Journald, Some("ohio")),
            ("2026-01-07T10:00:00.000001Z  INFO node: Hello: you", Form::Reference, None),
            ("2026-01-07T10:00:00.000001Z DEBUG timed::network::client: Hello: you", Form::Reference, None),
            ("10:00:00 INFO Hello: you", Form::Bare, None),
            ("10:00:00 - Hello: you", Form::Bare, None),
            ("10:00:00 Hello: you", Form::Bare, None),
            ("10:00:00.5 [mn7] INFO Hello: you", Form::Bare, Some("mn7")),
            ("INFO  Hello: you", Form::Bare, None),
            ("    30.000 s  INFO Hello: you", Form::Run, None),
            ("1000030.000 s DEBUG Hello: you", Form::Run, None),
            ("   Hello: you", Form::Plain, None),
        ] {
            assert_eq!(parsed(text), (form, host, "Hello: you".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_head_is_the_message() {
        for (text, form, message) in [
            ("2026-01-07 10:00:00 [Outbound] Sent", Form::Pretty, "[Outbound] Sent"),
            ("Jan 17 10:00:00 Sync coordinator: Found", Form::Journald, "Sync coordinator: Found"),
            ("INFORMATION", Form::Plain, "INFORMATION"),
            ("30.0 s  INFO x", Form::Plain, "30.0 s  INFO x"),
            ("99999999999999999999.000 s  INFO x", Form::Plain, "99999999999999999999.000 s  INFO x"),
            ("", Form::Plain, ""),
        ] {
            assert_eq!(parsed(text), (form, None, message.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_runs_times_begin_in_june() {
        let stamp = Line::parse("    90.250 s  WARN x").stamp;
        assert_eq!(stamp, Some(Stamp::Whole(midnight(2026, 6, 1).unwrap() + 90_250_000)));
        assert_eq!(DAY, 86_400_000_000);
    }
}
