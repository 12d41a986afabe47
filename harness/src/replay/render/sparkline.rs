//! Heights over time in one line of characters.
use crate::report::chart::Track;

/// From the lowest to the highest.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same where there is nothing but ASCII.
const ASCII: [char; 8] = ['_', '.', ',', '-', '=', '+', '*', '#'];

/// The track from 0 to `end` (microseconds, above 0) in `width` characters, each the height in the middle of its time, between the
/// two heights of `scale`; a blank where none is known.
pub fn sparkline(track: &Track, end: i64, width: usize, (low, high): (u64, u64), unicode: bool) -> String {
    let marks = if unicode { BLOCKS } else { ASCII };
    let mark = |column: usize| {
        let height = track.height(middle(column, end, width))?;
        // One height alone is drawn in the middle.
        let level = match high.saturating_sub(low) {
            0 => 3,
            range => (7.0 * (height.saturating_sub(low).min(range) as f64 / range as f64)).round() as usize,
        };
        marks.get(level).copied()
    };
    (0..width).map(|column| mark(column).unwrap_or(' ')).collect()
}

/// Where in a line of `width` characters something is in force: marks, blanks elsewhere. What is shorter than a character has one.
pub fn spans(spans: &[(i64, i64)], end: i64, width: usize, unicode: bool) -> String {
    let edge = |column: usize| (i128::from(end) * column as i128 / width.max(1) as i128) as i64;
    let mark = |column: usize| spans.iter().any(|(from, until)| *from < edge(column + 1) && *until >= edge(column));
    (0..width)
        .map(|column| {
            if !mark(column) {
                ' '
            } else if unicode {
                '━'
            } else {
                '='
            }
        })
        .collect()
}

fn middle(column: usize, end: i64, width: usize) -> i64 {
    (i128::from(end) * (2 * column as i128 + 1) / (2 * width.max(1) as i128)) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_drawn_over_time() {
        let track = Track { steps: vec![(20, 100), (50, 103), (60, 107)], until: 90 };
        assert_eq!(sparkline(&track, 100, 10, (100, 107), true), "  ▁▁▁▄███ ");
        assert_eq!(sparkline(&track, 100, 10, (100, 107), false), "  ___-### ");
    }

    #[test]
    fn one_height_is_a_line_in_the_middle() {
        let flat = Track { steps: vec![(0, 7)], until: 100 };
        assert_eq!(sparkline(&flat, 100, 4, (7, 7), true), "▄▄▄▄");
        let wild = Track { steps: vec![(i64::MIN, u64::MAX), (50, 0)], until: i64::MAX };
        assert_eq!(sparkline(&wild, 100, 4, (0, u64::MAX), true), "██▁▁");
    }

    #[test]
    fn what_is_in_force_is_marked() {
        assert_eq!(spans(&[(20, 39), (71, 72)], 100, 10, true), "  ━━   ━  ");
        assert_eq!(spans(&[(20, 39)], 100, 10, false), "  ==      ");
    }
}
