//! The picture's colours.
use std::fmt::Write as _;

use plotters::style::RGBColor;

/// Colours of hosts, light and dark; a page's style sheet puts the dark ones in their place.
pub const COLOURS: [(RGBColor, &str); 8] = [
    (RGBColor(0x0b, 0x66, 0xc2), "#6db3f2"),
    (RGBColor(0xc6, 0x5d, 0x00), "#f0a04b"),
    (RGBColor(0x2d, 0x8a, 0x4e), "#6fcf8f"),
    (RGBColor(0x8e, 0x44, 0xad), "#c792ea"),
    (RGBColor(0xc0, 0x39, 0x2b), "#ff8a80"),
    (RGBColor(0x00, 0x83, 0x8f), "#4dd0e1"),
    (RGBColor(0x79, 0x55, 0x48), "#bcaaa4"),
    (RGBColor(0xc2, 0x18, 0x5b), "#f48fb1"),
];
/// Text and axes, lines of the grid, and faults, as in the page's `--ink`, `--line` and `--soft`.
pub const INK: RGBColor = RGBColor(0x1f, 0x29, 0x33);
/// See [`INK`].
pub const LINE: RGBColor = RGBColor(0xd9, 0xe0, 0xe7);
/// See [`INK`].
pub const SOFT: RGBColor = RGBColor(0x5f, 0x6c, 0x7b);

/// Lines that colours alone tell apart.
const MANY: usize = COLOURS.len();
/// Pixels of a line and of the gap after it: those of the first lines are whole, the next ones' are as here, and then again from the start.
const DASHES: [[u32; 2]; 3] = [[9, 4], [3, 3], [16, 6]];

/// A line's colour as a page knows it, and its dashes.
pub fn look(line: usize) -> (String, Option<[u32; 2]>) {
    let dashes = (line / MANY % (DASHES.len() + 1)).checked_sub(1).map(|way| DASHES[way]);
    (format!("var(--k{})", line % MANY), dashes)
}

/// A colour that stands for a line until [`dressed`] gives it its own look: the library that draws knows neither names nor dashes.
pub fn stand_in(line: usize) -> RGBColor {
    RGBColor(1, (line >> 8) as u8, line as u8)
}

/// A picture whose lines have their looks, and their numbers as `data-line`.
pub fn dressed(svg: &str) -> String {
    let mut parts = svg.split("=\"#01");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = part.get(..4).and_then(|hex| usize::from_str_radix(hex, 16).ok());
        match number.zip(part.get(4..).and_then(|rest| rest.strip_prefix('"'))) {
            Some((line, rest)) => {
                let (colour, dashes) = look(line);
                // What is filled has no dashes.
                let dashes = dashes.filter(|_| text.ends_with("stroke"));
                text += &format!("=\"{colour}\" data-line=\"{line}\"");
                if let Some([on, off]) = dashes {
                    text += &format!(" stroke-dasharray=\"{on} {off}\"");
                }
                text += rest;
            }
            None => text += &format!("=\"#01{part}"),
        }
    }
    text
}

/// Rules for a page: the picture's colours are those of the page, also in the dark.
pub fn style() -> String {
    let hex = |RGBColor(red, green, blue): RGBColor| format!("#{red:02X}{green:02X}{blue:02X}");
    let (mut light, mut dark, mut rules) = (String::new(), String::new(), String::new());
    for (index, (colour, in_the_dark)) in COLOURS.into_iter().enumerate() {
        let _ = write!(light, "--k{index}:{};", hex(colour));
        let _ = write!(dark, "--k{index}:{in_the_dark};");
    }
    for (colour, name) in [(INK, "ink"), (LINE, "line"), (SOFT, "soft")] {
        let colour = hex(colour);
        let _ = write!(
            rules,
            ".chart [stroke=\"{colour}\"]{{stroke:var(--{name})}}.chart [fill=\"{colour}\"]{{fill:var(--{name})}}"
        );
    }
    format!(":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}{rules}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_thirty_two_lines_looks_different() {
        let looks: std::collections::BTreeSet<_> = (0..32).map(look).collect();
        assert_eq!(looks.len(), 32);
        assert_eq!(look(32), look(0));
    }

    #[test]
    fn a_picture_is_dressed_where_a_line_stands_and_nowhere_else() {
        let svg = "<polyline stroke=\"#010009\" points=\"1\"/><path fill=\"#01000A\"/><text>=\"#01</text><line stroke=\"#5F6C7B\"/>";
        let expected = "<polyline stroke=\"var(--k1)\" data-line=\"9\" stroke-dasharray=\"9 4\" points=\"1\"/>\
                        <path fill=\"var(--k2)\" data-line=\"10\"/><text>=\"#01</text><line stroke=\"#5F6C7B\"/>";
        assert_eq!(dressed(svg), expected);
    }
}
