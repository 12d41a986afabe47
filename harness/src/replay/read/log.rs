//! One log, read line by line.
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::clock::Clock;
use super::error::Flaw;
use super::files::Input;
use super::hosts::Hosts;
use super::kinds::Kinds;
use super::line::{Form, Line};
use super::lines::Raw;
use super::stamp::Stamp;
use super::text::{clean, is_mojibake};
use super::wrapped::Wrapped;
use crate::replay::told::{Place, Told};
use crate::words::{Found, Patterns, Values};

/// Bytes that are shown of a line.
const SHOWN: usize = 80;

/// What was read of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileRead {
    /// Where it is; `-`: standard input.
    pub path: PathBuf,
    /// Its name, the shortest that tells it from the others.
    pub name: String,
    /// Its bytes, unpacked.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
    /// Lines that aren't blank, by their form.
    pub forms: BTreeMap<Form, u64>,
    /// Lines that have a time.
    pub timed: u64,
    /// Events that it told.
    pub events: u64,
    /// Lines that were put together with those after them.
    pub wrapped: u64,
    /// Lines that break off: the first, the last, an object without its end.
    pub cut: u64,
    /// Lines above 64 KiB: the first 64 KiB were used.
    pub long: u64,
    /// Lines that aren't all UTF-8.
    pub not_utf8: u64,
    /// Lines that show a wrong code page.
    pub mojibake: u64,
    /// Lines that people wrote in between: `[…]` and `# …`.
    pub remarks: u64,
    /// How often the time of a host stepped back.
    pub steps_back: u64,
    /// The year that was taken, by the file's last change, because its first lines tell none.
    pub year_taken: Option<i16>,
    /// Its first lines tell no day: that of its first date was taken, or an arbitrary one.
    pub day_taken: bool,
    /// What is wrong with it, and in which line.
    pub problems: Vec<(Option<u64>, Flaw)>,
}

/// What all files have in common while they are read.
pub struct Shared<'a> {
    pub patterns: &'a Patterns,
    pub clock: Clock,
    pub hosts: Hosts,
    pub kinds: Kinds,
    pub tell: &'a mut dyn FnMut(&Told<'_>),
}

/// A log that is read.
pub struct Log<'r, 'a> {
    shared: &'r mut Shared<'a>,
    file: FileRead,
    index: u16,
    /// Its host, where its lines name none.
    own: &'r str,
    /// It was given by hand.
    given: bool,
    /// The last host that a line named.
    named: Option<usize>,
    wrapped: Wrapped,
    /// How its first line begins.
    begins: Option<String>,
    /// The first line is unknown and has no head.
    odd_first: bool,
    /// The last line is unknown and has no end.
    odd_last: bool,
}

/// Who wrote a line, when, and where it stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Written {
    pub host: usize,
    pub at: i64,
    pub place: Place,
}

impl<'r, 'a> Log<'r, 'a> {
    /// The file with this index; `own` is its host, where its lines name none, and `given` whether that was said by hand.
    pub fn new(shared: &'r mut Shared<'a>, index: u16, input: &Input, own: &'r str, given: bool) -> Self {
        let file = FileRead { path: input.path.clone(), name: input.name.clone(), ..FileRead::default() };
        let wrapped = Wrapped::default();
        Self { shared, file, index, own, given, named: None, wrapped, begins: None, odd_first: false, odd_last: false }
    }

    /// Looks at its first bytes, for the time and the host of lines before the first that tells them; whether they are text.
    pub fn begin(&mut self, bytes: &[u8]) -> bool {
        self.file.problems.extend(no_text(bytes).map(|flaw| (None, flaw)));
        let mut room = String::new();
        let (mut headless, mut first, mut dated) = (true, None, None);
        for bytes in bytes.split(|byte| *byte == b'\n') {
            let line = Line::parse(clean(bytes, &mut room).0);
            if let (true, Some(host)) = (headless, line.host) {
                self.named = Some(self.shared.hosts.number(host, self.index));
            }
            headless &= line.form == Form::Plain;
            first = first.or(line.stamp);
            dated = line.stamp.filter(|stamp| !matches!(stamp, Stamp::OfDay(_)));
            if dated.is_some() {
                break;
            }
        }
        if let Some(first) = first {
            self.shared.clock.begin(first, dated.filter(|dated| *dated != first));
        }
        self.file.problems.is_empty()
    }

    /// Reads the next line; `room` is for its text.
    pub fn line(&mut self, raw: &Raw<'_>, room: &mut String) {
        self.file.lines += 1;
        let place = Place { file: self.index, line: self.file.lines };
        let bytes =
            if place.line == 1 { raw.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw.bytes) } else { raw.bytes };
        let (text, utf8) = clean(bytes, room);
        let line = Line::parse(text);
        self.file.long += u64::from(raw.long);
        self.file.not_utf8 += u64::from(!utf8);
        self.file.mojibake += u64::from(is_mojibake(text));
        self.file.cut += u64::from(line.torn);
        if line.form == Form::Plain && line.message.is_empty() {
            return self.settle();
        }
        *self.file.forms.entry(line.form).or_default() += 1;
        if line.form != Form::Plain {
            self.settle();
            self.file.cut += u64::from(place.line == 2 && self.odd_first);
        } else if is_remark(&line.message) {
            self.settle();
            self.file.remarks += 1;
            return self.shared.kinds.remark(&line.message, place);
        } else if self.carries_on(&line.message, place) {
            return;
        }
        if self.begins.is_none() {
            self.begins = Some(text[..text.floor_char_boundary(SHOWN)].to_owned());
        }
        let host = self.host(&line);
        let at = match line.stamp {
            Some(stamp) => self.shared.clock.tell(host, stamp),
            None => self.shared.clock.now(host),
        };
        self.file.timed += u64::from(line.stamp.is_some());
        let known = self.known(&line, Written { host, at, place });
        self.odd_first |= !known && place.line == 1 && line.form == Form::Plain;
        self.odd_last = !known && !raw.ended && !line.torn;
    }

    /// Ends it after so many bytes, or where reading failed, and says what is wrong with it.
    pub fn end(mut self, bytes: u64, failed: Option<io::Error>) -> FileRead {
        self.settle();
        let Self { mut file, shared, begins, .. } = self;
        file.bytes = bytes;
        file.cut += u64::from(self.odd_last);
        let clock = &shared.clock;
        (file.steps_back, file.year_taken, file.day_taken) = (clock.steps_back, clock.year_taken, clock.day_taken);
        if let Some(error) = failed {
            let broken = if error.raw_os_error().is_some() { Flaw::Broken } else { Flaw::Damaged };
            file.problems.push((Some(file.lines.max(1)), broken(error.to_string())));
        }
        if file.problems.is_empty() {
            let flaw = match begins {
                None => Some(Flaw::Empty),
                Some(begins) if file.events == 0 => Some(Flaw::Foreign(begins)),
                Some(_) => (file.timed == 0).then_some(Flaw::Timeless),
            };
            file.problems.extend(flaw.map(|flaw| (None, flaw)));
        }
        file
    }

    fn host(&mut self, line: &Line<'_>) -> usize {
        match (line.host, self.named) {
            (Some(name), _) => *self.named.insert(self.shared.hosts.number(name, self.index)),
            (None, Some(named)) if !self.given => named,
            _ => self.shared.hosts.number(self.own, self.index),
        }
    }

    /// Tells what a line says, or keeps it in case that the next one goes on with it; whether it is known.
    fn known(&mut self, line: &Line<'_>, written: Written) -> bool {
        let patterns = self.shared.patterns;
        let event = line.fields.iter().find(|(name, _)| name == "event").map(|(_, event)| &**event);
        if let Some(event) = event.filter(|event| patterns.knows(event)) {
            let mut values = Values::none();
            let fields = line.fields.iter().filter(|(name, _)| name != "event");
            fields.for_each(|(name, value)| values.push(name, value));
            self.tell(event, values.pairs(), written);
            return true;
        }
        if line.form != Form::Plain && line.message.ends_with(':') {
            self.wrapped.keep(&line.message, written, true);
            return true;
        }
        let found = patterns.find(&line.message);
        match &found {
            Some(Found { event, values }) => self.tell(event, values.pairs(), written),
            None if line.form == Form::Plain => self.shared.kinds.count(&line.message, written.place),
            None => self.wrapped.keep(&line.message, written, false),
        }
        found.is_some()
    }

    /// Whether a line without a head belongs to the line that was kept.
    fn carries_on(&mut self, text: &str, place: Place) -> bool {
        let patterns = self.shared.patterns;
        if self.wrapped.is_empty() {
            return false;
        }
        if self.wrapped.untried || patterns.find(text).is_none() {
            let joined = self.wrapped.joined(text);
            if let Some(Found { event, values }) = joined.iter().find_map(|text| patterns.find(text)) {
                self.file.wrapped += 1;
                self.tell(event, values.pairs(), self.wrapped.written());
                self.wrapped.clear();
                return true;
            }
            if !self.wrapped.untried && self.wrapped.add(text, place) {
                return true;
            }
        }
        self.settle();
        false
    }

    /// The line that was kept isn't gone on with.
    fn settle(&mut self) {
        if self.wrapped.is_empty() {
            return;
        }
        let mut kept = std::mem::take(&mut self.wrapped);
        let found = if kept.untried { self.shared.patterns.find(kept.text()) } else { None };
        match found {
            Some(Found { event, values }) => self.tell(event, values.pairs(), kept.written()),
            None => kept.parts().for_each(|(text, place)| self.shared.kinds.count(text, place)),
        }
        kept.clear();
        self.wrapped = kept;
    }

    fn tell(&mut self, event: &str, fields: &[(&str, &str)], Written { host, at, place }: Written) {
        self.file.events += 1;
        (self.shared.tell)(&Told { host, at, event, fields, place });
    }
}

/// What people write between lines: `[repeats…]`, `# …`.
fn is_remark(text: &str) -> bool {
    text.starts_with('#') || (text.starts_with('[') && text.find(']') == Some(text.len() - 1))
}

/// What shows that bytes are no text.
fn no_text(bytes: &[u8]) -> Option<Flaw> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Some(Flaw::Utf16);
    }
    let odd = |byte: &&u8| **byte < b' ' && !matches!(**byte, b'\t' | b'\n' | b'\r' | 0x1b);
    let not_utf8: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    let odd = bytes.iter().filter(odd).count() + not_utf8;
    (bytes.contains(&0) || odd * 10 > bytes.len() * 3).then_some(Flaw::Binary)
}
