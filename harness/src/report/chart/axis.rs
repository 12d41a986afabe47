//! An axis with round numbers.
use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// Steps of a time axis in seconds; beyond them whole days.
const TIMES: [i64; 19] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400];
const SECOND: i64 = 1_000_000;

/// An axis from one number to another, with marks.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// From where, until where.
    pub range: Range<f64>,
    /// Where it has marks, in order.
    pub marks: Vec<f64>,
}

impl Axis {
    /// Heights, with a little room beyond and about five marks.
    pub fn heights(low: u64, high: u64) -> Self {
        let least = (high - low) / 5;
        let powers = (0..20).map(|power| 10_u64.pow(power));
        let mut steps = powers.flat_map(|power| [1, 2, 5].map(|digit| power.saturating_mul(digit)));
        let step = steps.find(|step| *step >= least).unwrap_or(u64::MAX).max(1);
        let room = ((high - low) as f64 * 0.06).max(0.5);
        Self {
            range: low as f64 - room..high as f64 + room,
            marks: (low.div_ceil(step)..=high / step).map(|index| (index * step) as f64).collect(),
        }
    }

    /// Microseconds from 0 to `end`, above 0, with at most nine marks.
    pub fn times(end: i64) -> Self {
        let least = end / 8;
        let days = (least / (86_400 * SECOND) + 1) * 86_400 * SECOND;
        let step = TIMES.into_iter().map(|seconds| seconds * SECOND).find(|step| *step >= least).unwrap_or(days);
        Self { range: 0.0..end as f64, marks: (0..=end / step).map(|index| (index * step) as f64).collect() }
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, until): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        from + (share * f64::from(until - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.marks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_numbers() {
        assert_eq!(Axis::heights(3724, 3740).marks, [3725.0, 3730.0, 3735.0, 3740.0]);
        assert_eq!(Axis::heights(7, 7).marks, [7.0]);
        assert!(Axis::heights(0, u64::MAX).marks.len() < 8);
        let minutes = [0, 120, 240, 360, 480, 600].map(|at| (at * SECOND) as f64);
        assert_eq!(Axis::times(600 * SECOND).marks, minutes);
        let lengths = (0..39).map(|power| 3_i64.pow(power));
        assert!(lengths.map(|end| Axis::times(end).marks.len()).all(|marks| (1..=9).contains(&marks)));
    }
}
