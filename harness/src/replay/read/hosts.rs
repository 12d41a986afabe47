//! Who wrote lines.
use std::collections::BTreeMap;

/// Hosts that are told apart, at most; all further ones are the last.
const MOST: usize = 1000;
const OTHERS: &str = "other-hosts";

/// Numbers for hosts' names.
#[derive(Debug, Default)]
pub struct Hosts {
    names: Vec<String>,
    numbers: BTreeMap<String, usize>,
    files: Vec<Vec<u16>>,
    /// The last, which the next line's mostly is.
    last: usize,
}

impl Hosts {
    /// The number of a host that a line of this file is from.
    pub fn number(&mut self, name: &str, file: u16) -> usize {
        if self.names.get(self.last).is_none_or(|last| last != name) {
            self.last = match self.numbers.get(name) {
                Some(number) => *number,
                None if self.names.len() + 1 < MOST => self.add(name),
                None => self.numbers.get(OTHERS).copied().unwrap_or_else(|| self.add(OTHERS)),
            };
        }
        let files = &mut self.files[self.last];
        if files.last() != Some(&file) {
            files.push(file);
        }
        self.last
    }

    fn add(&mut self, name: &str) -> usize {
        let number = self.names.len();
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        self.files.push(Vec::new());
        number
    }

    /// All names, and the files that each came from.
    pub fn finish(self) -> (Vec<String>, Vec<Vec<u16>>) {
        (self.names, self.files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_hosts_are_told_apart() {
        let mut hosts = Hosts::default();
        assert_eq!((hosts.number("a", 0), hosts.number("b", 0), hosts.number("a", 2)), (0, 1, 0));
        for number in 0..5000 {
            hosts.number(&format!("mn{number}"), 3);
        }
        assert_eq!(hosts.number("b", 3), 1);
        let (names, files) = hosts.finish();
        assert_eq!((names.len(), names[MOST - 1].as_str()), (MOST, OTHERS));
        assert_eq!(files[..2], [vec![0, 2], vec![0, 3]]);
    }
}
