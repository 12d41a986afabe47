//! Heights over time as a picture: what all pages with one share.
mod axis;
mod palette;
mod panel;
mod track;

pub use axis::Axis;
pub use palette::{INK, LINE, SOFT, look, style};
pub use panel::{Mark, Panel, WIDTH, draw};
pub use track::Track;

use palette::dressed;
use plotters::prelude::DrawingAreaErrorKind;
use thiserror::Error;

/// The picture could not be drawn.
#[derive(Debug, Error)]
#[error("the picture could not be drawn: {0}")]
pub struct ChartError(#[from] DrawingAreaErrorKind<std::io::Error>);

/// What was drawn as an element of a page, with a name and a text for those who can't see it; `id` is unique on its page.
pub fn spoken(svg: &str, id: &str, title: &str, text: &str) -> String {
    let opening = format!("<svg role=\"img\" aria-labelledby=\"{id}-title {id}-text\" ");
    let svg = dressed(svg).replacen("<svg ", &opening, 1);
    let (title, text) = (escaped(title), escaped(text));
    svg.replacen('>', &format!("><title id=\"{id}-title\">{title}</title><desc id=\"{id}-text\">{text}</desc>"), 1)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A time of microseconds as a clock shows it: `1:05`, `1:02:03`, `0:01.5`.
pub fn minutes(micros: i64) -> String {
    let (sign, tenths) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs() / 100_000);
    let seconds = tenths / 10;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, few) if few < 10 && tenths % 10 > 0 => format!("{sign}0:{few:02}.{}", tenths % 10),
        (0, minutes, seconds) => format!("{sign}{minutes}:{seconds:02}"),
        (hours, minutes, seconds) => format!("{sign}{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_words() {
        let words = [0, 2_500_000, 125_000_000, 3_725_000_000, -5_000_000].map(minutes);
        assert_eq!(words, ["0:00", "0:02.5", "2:05", "1:02:05", "-0:05"]);
        assert_eq!(minutes(i64::MIN).chars().next(), Some('-'));
    }
}
