//! A value that changes at known times.
use super::SimTime;

/// The values that something had, each from its time on. Whoever looks late (a paused reader) still sees what was then.
#[derive(Debug, Clone)]
pub struct Timeline<T> {
    first: T,
    changes: Vec<(SimTime, T)>,
}

impl<T> Timeline<T> {
    /// `first` for ever, until something is set.
    pub fn new(first: T) -> Self {
        Self { first, changes: Vec::new() }
    }

    /// `value` from `at` on. A time before the last change counts as the time of that change.
    pub fn set(&mut self, at: SimTime, value: T) {
        match self.changes.last_mut() {
            Some((last, old)) if *last >= at => *old = value,
            _ => self.changes.push((at, value)),
        }
    }

    /// The value at `t`.
    pub fn at(&self, t: SimTime) -> &T {
        // Nearly always the last: what is asked about is now.
        self.changes.iter().rev().find(|(from, _)| *from <= t).map_or(&self.first, |(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_holds_from_its_time_on() {
        let s = SimTime::from_secs;
        let mut line = Timeline::new('a');
        line.set(s(2), 'b');
        line.set(s(5), 'c');
        line.set(s(5), 'd');
        line.set(s(4), 'e');
        assert_eq!([0, 1, 2, 4, 5, 9].map(|t| *line.at(s(t))), ['a', 'a', 'b', 'b', 'e', 'e']);
    }
}
