//! Who made something that may outlive its maker: a folder, a container.
use std::fmt;
use std::fs;
use std::process;
use std::str::FromStr;

/// A process; its number alone may be another's by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    id: u32,
    /// When it was started, in clock ticks since the machine was (proc(5), stat, field 22).
    since: u64,
}

impl Owner {
    /// This process.
    pub fn this() -> Self {
        let id = process::id();
        Self { id, since: started(id).unwrap_or_default() }
    }

    /// Whether it still runs.
    pub fn lives(self) -> bool {
        started(self.id) == Some(self.since)
    }
}

/// `4711-123456`.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.id, self.since)
    }
}

impl FromStr for Owner {
    type Err = String;

    /// What follows a second `-` is no part of it.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split('-');
        let parsed = (|| Some(Self { id: parts.next()?.parse().ok()?, since: parts.next()?.parse().ok()? }))();
        parsed.ok_or_else(|| format!("`{text}` names no process: PID-TICKS"))
    }
}

fn started(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_another_with_its_number_does_not() {
        let this = Owner::this();
        assert!(this.lives() && !Owner { since: this.since + 1, ..this }.lives());
        assert_eq!(format!("{this}-Ab3").parse(), Ok(this));
        assert!("4711".parse::<Owner>().is_err() && "x-5".parse::<Owner>().is_err());
        assert!(!"4194305-5".parse::<Owner>().unwrap().lives(), "more than Linux ever has");
    }
}
