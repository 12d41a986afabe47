//! How things are written in a scenario file.

/// A time in microseconds as scenarios have it, to the millisecond: `90s`, `12.345s`, `10m`. Below zero: `0s`.
pub fn span(micros: i64) -> String {
    let ms = micros.max(0) / 1_000;
    match (ms % 1_000, ms / 1_000) {
        (0, seconds) if seconds > 0 && seconds % 60 == 0 => format!("{}m", seconds / 60),
        (0, seconds) => format!("{seconds}s"),
        (rest, seconds) => {
            let digits = format!("{rest:03}");
            format!("{seconds}.{}s", digits.trim_end_matches('0'))
        }
    }
}

/// A text in quotes.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// One line that is no YAML, whatever is in it.
pub fn comment(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("# {}", line.trim())
}

/// A folded text of lines of at most 120 characters, as the value of a key.
pub fn folded(key: &str, text: &str) -> String {
    let mut out = format!("{key}: >\n ");
    let mut width = 1;
    for word in text.split_whitespace() {
        if width + word.chars().count() >= 120 {
            out.push_str("\n ");
            width = 1;
        }
        out.push(' ');
        out.push_str(word);
        width += word.chars().count() + 1;
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let texts = [0, 999, 1_000, 1_500_000, 12_345_678, 60_000_000, 90_000_000, -5].map(span);
        assert_eq!(texts, ["0s", "0s", "0.001s", "1.5s", "12.345s", "1m", "90s", "0s"]);
    }

    #[test]
    fn hostile_text_stays_where_it_is() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c d""#);
        assert_eq!(comment("x\ny: [z"), "# x y: [z");
        assert_eq!(folded("why", "a  b\nc"), "why: >\n  a b c\n");
    }
}
