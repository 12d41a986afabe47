//! What takes text (a terminal, a pipe, a file) can show, and text that is made to fit.
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};

use console::{Term, measure_text_width};

use super::plain;
use crate::check::Verdict;

/// Fewer columns than this are not made use of: a narrower terminal breaks lines itself.
const NARROWEST: usize = 60;
/// Nor fewer lines.
const LOWEST: usize = 24;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns, 60 or more; `None`: as many as a line needs.
    pub width: Option<usize>,
    /// Lines that are seen at once, 24 or more; `None`: all.
    pub height: Option<usize>,
    /// Whether more than ASCII is shown: the first of the variables LC_ALL, LC_CTYPE and LANG that says something decides.
    pub unicode: bool,
    /// Whether in colours: on a terminal, unless NO_COLOR or CI is set to anything.
    pub colours: bool,
}

/// A colour with its code (ECMA-48, SGR).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Something is wrong.
    Red = 31,
    /// All is well.
    Green = 32,
    /// Neither.
    Yellow = 33,
}

impl From<Verdict> for Colour {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Green,
            Verdict::Fail => Self::Red,
            Verdict::Inconclusive | Verdict::Unsupported => Self::Yellow,
        }
    }
}

/// Whether a variable is set to anything.
fn set(variable: Option<OsString>) -> bool {
    variable.is_some_and(|value| !value.is_empty())
}

/// Whether what is written over and over may be shown on the standard error: on a terminal, unless CI is set to anything.
pub(super) fn is_live() -> bool {
    io::stderr().is_terminal() && !set(std::env::var_os("CI"))
}

impl Look {
    /// The standard output's.
    pub fn of_stdout() -> Self {
        let terminal = io::stdout().is_terminal();
        let size = Term::stdout().size_checked().filter(|_| terminal);
        Self::of(terminal, size.map(|(rows, columns)| (rows.into(), columns.into())), |name| std::env::var_os(name))
    }

    /// COLUMNS and LINES, where they are set, say more than the terminal.
    fn of(terminal: bool, size: Option<(usize, usize)>, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let number = |name: &str| variable(name)?.to_str()?.parse::<usize>().ok();
        let said = ["LC_ALL", "LC_CTYPE", "LANG"].map(&variable);
        Self {
            width: number("COLUMNS").or(size.map(|(_, columns)| columns)).map(|width| width.max(NARROWEST)),
            height: number("LINES").or(size.map(|(rows, _)| rows)).map(|height| height.max(LOWEST)),
            unicode: unicode(said.each_ref().map(|said| said.as_deref())),
            colours: terminal && !set(variable("NO_COLOR")) && !set(variable("CI")),
        }
    }

    /// A text in a colour, where there are colours.
    pub fn paint(self, colour: impl Into<Colour>, text: &str) -> String {
        match self.colours {
            true => format!("\u{1b}[{}m{text}\u{1b}[0m", colour.into() as u8),
            false => text.to_owned(),
        }
    }

    /// A line, broken at blanks where it is too wide, and indented from then on. A word that is too long stays whole: it may be a path.
    pub fn wrap(self, line: &str, indent: usize) -> String {
        let Some(width) = self.width else { return line.to_owned() };
        let (mut text, mut used) = (String::new(), 0);
        for word in line.split_inclusive(' ') {
            if used > indent && used + measure_text_width(word.trim_end()) > width {
                text.truncate(text.trim_end_matches(' ').len());
                text += &format!("\n{:indent$}", "");
                used = indent;
            }
            text.push_str(word);
            used += measure_text_width(word);
        }
        text
    }

    /// At most `width` characters: names that begin alike often end differently, so what is left out is in the middle.
    pub fn cut(self, text: &str, width: usize) -> String {
        let text = plain(text);
        let (all, more) = (text.chars().count(), if self.unicode { "…" } else { "~" });
        if all <= width {
            return text;
        }
        let tail = width / 3;
        let head = width.saturating_sub(tail + 1);
        text.chars().take(head).chain(more.chars()).chain(text.chars().skip(all - tail)).collect()
    }
}

/// Whether text is UTF-8 by these variables, of which the first that says something decides.
fn unicode(variables: [Option<&OsStr>; 3]) -> bool {
    let first = variables.into_iter().flatten().find(|value| !value.is_empty());
    let name = first.map(|value| value.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.contains("utf-8") || name.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a terminal of 30 lines and 90 columns, with these variables.
    fn look(variables: &[(&str, &str)]) -> Look {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
        Look::of(true, Some((30, 90)), variable)
    }

    #[test]
    fn what_is_shown_is_what_there_is_room_for() {
        let plain = look(&[]);
        assert_eq!(plain, Look { width: Some(90), height: Some(30), unicode: false, colours: true });
        let told = look(&[("COLUMNS", "20"), ("LINES", "9"), ("LANG", "en_GB.UTF-8")]);
        assert_eq!(told, Look { width: Some(60), height: Some(24), unicode: true, colours: true });
        assert_eq!(look(&[("COLUMNS", "wide")]).width, Some(90));
        let file = Look::of(false, None, |_| None);
        assert_eq!((file.width, file.height, file.colours), (None, None, false));
    }

    #[test]
    fn colours_need_a_terminal_and_no_objection() {
        assert!(look(&[("NO_COLOR", ""), ("CI", "")]).colours);
        assert!(!look(&[("NO_COLOR", "1")]).colours && !look(&[("CI", "true")]).colours);
        assert_eq!(look(&[("CI", "true")]).paint(Colour::Red, "no"), "no");
        assert_eq!(look(&[]).paint(Verdict::Pass, "yes"), "\u{1b}[32myes\u{1b}[0m");
    }

    #[test]
    fn utf8_is_what_the_variables_say() {
        let of = |values: [&str; 3]| unicode(values.map(|value| Some(OsStr::new(value))));
        assert!(of(["", "", "en_GB.UTF-8"]) && of(["C.utf8", "C", "C"]));
        assert!(!of(["C", "", "en_GB.UTF-8"]) && !unicode([None, None, None]));
    }

    #[test]
    fn lines_are_broken_at_blanks_and_words_stay_whole() {
        let look = Look { width: Some(60), ..look(&[]) };
        let red = look.paint(Colour::Red, "fail");
        let text = look.wrap(&format!("{red} {} {} end", "a".repeat(50), "/".repeat(70)), 2);
        assert_eq!(text, format!("{red} {}\n  {}\n  end", "a".repeat(50), "/".repeat(70)));
        // An emoji takes two columns.
        assert_eq!(look.wrap(&format!("{} b", "🔀".repeat(29)), 0), format!("{} b", "🔀".repeat(29)));
        assert_eq!(look.wrap(&format!("{} b", "🔀".repeat(30)), 0), format!("{}\nb", "🔀".repeat(30)));
        let file = Look { width: None, ..look };
        assert_eq!(file.wrap(&"word ".repeat(40), 2), "word ".repeat(40));
    }

    #[test]
    fn what_is_cut_keeps_both_ends() {
        assert_eq!(look(&[]).cut("masternode-fork-10000-deep", 12), "mastern~deep");
        assert_eq!(look(&[("LANG", "C.UTF-8")]).cut("masternode-fork-10000-deep", 12), "mastern…deep");
        assert_eq!(look(&[]).cut("short\u{1b}[2J", 12), "short\u{fffd}[2J");
    }
}
