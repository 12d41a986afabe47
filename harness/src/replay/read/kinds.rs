//! Lines that no pattern knows, by kind.
use std::collections::BTreeMap;

use crate::replay::told::Place;

/// Kinds that are told apart, at most.
pub const MOST_KINDS: usize = 1000;
/// Bytes of a line that make its kind.
const COMPARED: usize = 160;
/// Bytes that are shown of a line.
const SHOWN: usize = 200;
/// The kind of people's remarks.
pub const REMARK: &str = "[a remark]";

/// Lines of one kind: the same words, whatever their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Its words; what has a digit is `#`, what isn't ASCII is left out.
    pub words: String,
    /// How many lines.
    pub count: u64,
    /// The first.
    pub first: Place,
    /// How the first begins: 200 bytes at most.
    pub sample: String,
}

/// Counts them, in bounded memory.
#[derive(Debug, Default)]
pub struct Kinds {
    kinds: BTreeMap<String, Kind>,
    others: u64,
    words: String,
}

impl Kinds {
    /// One more line.
    pub fn count(&mut self, line: &str, place: Place) {
        normalise(line, &mut self.words);
        let words = std::mem::take(&mut self.words);
        self.add(&words, line, place);
        self.words = words;
    }

    /// One more line that people wrote.
    pub fn remark(&mut self, line: &str, place: Place) {
        self.add(REMARK, line, place);
    }

    fn add(&mut self, words: &str, line: &str, place: Place) {
        if let Some(kind) = self.kinds.get_mut(words) {
            kind.count += 1;
        } else if self.kinds.len() < MOST_KINDS {
            let sample = line[..line.floor_char_boundary(SHOWN)].to_owned();
            let kind = Kind { words: words.to_owned(), count: 1, first: place, sample };
            self.kinds.insert(words.to_owned(), kind);
        } else {
            self.others += 1;
        }
    }

    /// All kinds, the commonest first, and how many lines were of further ones.
    pub fn finish(self) -> (Vec<Kind>, u64) {
        let mut kinds: Vec<Kind> = self.kinds.into_values().collect();
        kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.count), kind.first));
        (kinds, self.others)
    }
}

/// The words of a line, without what differs from one to the next.
fn normalise(line: &str, words: &mut String) {
    words.clear();
    let bytes = &line.as_bytes()[..line.len().min(COMPARED)];
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let token = &bytes[at..at + run];
        if token.iter().any(u8::is_ascii_digit) {
            // Addresses, times and fractions are one.
            let joined = words.strip_suffix(['.', ':']).filter(|before| before.ends_with('#')).map(str::len);
            words.truncate(joined.map_or(words.len(), |length| length - 1));
            words.push('#');
        } else {
            words.extend(token.iter().map(|byte| char::from(*byte)));
        }
        at += run;
        if let Some(byte) = bytes.get(at) {
            if byte.is_ascii_graphic() || (*byte == b' ' && !words.is_empty() && !words.ends_with(' ')) {
                words.push(char::from(*byte));
            }
            at += 1;
        }
    }
    words.truncate(words.trim_end().len());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_in_numbers_are_of_one_kind() {
        for (line, wanted) in [
            ("📦 Received 5 things from 10.0.0.2:4711, 7.5 s", "Received # things from #, # s"),
            ("at 12:30:00 hash a2fcb7 (1/3)", "at # hash # (#/#)"),
            ("═══════", ""),
            ("", ""),
        ] {
            let mut words = String::new();
            normalise(line, &mut words);
            assert_eq!(words, wanted);
        }
    }

    #[test]
    fn kinds_are_counted_and_no_more_than_a_thousand() {
        let mut kinds = Kinds::default();
        let place = |line| Place { file: 0, line };
        for line in 0..3000 {
            let letters = format!("{:b}", line % 1500).replace('0', "a").replace('1', "b");
            kinds.count(&letters, place(line));
        }
        kinds.remark("[for ever]", place(1));
        let (kinds, others) = kinds.finish();
        assert_eq!(kinds.len(), MOST_KINDS);
        assert_eq!(kinds.iter().map(|kind| kind.count).sum::<u64>() + others, 3001);
        assert!(kinds.iter().all(|kind| kind.sample.len() <= SHOWN));
    }
}
