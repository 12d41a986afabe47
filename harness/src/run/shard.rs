//! A part of all runs, for one machine of several.
use std::fmt;
use std::str::FromStr;

/// Of all runs in their order each `of`th, from number `index` on; both from 0, as Kubernetes numbers the pods of an Indexed Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which part, below `of`.
    pub index: u32,
    /// How many parts there are, 1 to 10000.
    pub of: u32,
}

/// A text that is no shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no shard: write I/N, with N from 1 to {} and I from 0 to N-1: the first of four is 0/4, the last 3/4",
    Shard::MOST
)]
pub struct ParseShardError;

impl FromStr for Shard {
    type Err = ParseShardError;

    fn from_str(text: &str) -> Result<Self, ParseShardError> {
        let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        let (index, of) = text.split_once('/').ok_or(ParseShardError)?;
        let (index, of) = number(index).zip(number(of)).ok_or(ParseShardError)?;
        if index < of && of <= Self::MOST { Ok(Self { index, of }) } else { Err(ParseShardError) }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl Shard {
    /// The most parts.
    pub const MOST: u32 = 10_000;

    /// Its part of all.
    pub fn part<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.index as usize).step_by(self.of as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shards_together_are_the_whole_and_each_has_as_much_as_the_others() {
        for runs in 0..20 {
            for of in 1..25 {
                let parts: Vec<Vec<u32>> = (0..of).map(|index| Shard { index, of }.part((0..runs).collect())).collect();
                let mut all = parts.concat();
                all.sort_unstable();
                assert_eq!(all, (0..runs).collect::<Vec<_>>(), "{runs} in {of}");
                let sizes = parts.iter().map(Vec::len);
                assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1, "{runs} in {of}");
            }
        }
    }

    #[test]
    fn other_texts_are_refused() {
        assert_eq!("3/4".parse(), Ok(Shard { index: 3, of: 4 }));
        for text in ["", "1", "/", "4/4", "0/0", "-1/2", "+0/2", "0/2/3", "a/b", " 0/2", "0/10001", "0/4294967296"] {
            assert_eq!(text.parse::<Shard>(), Err(ParseShardError), "{text}");
        }
    }
}
