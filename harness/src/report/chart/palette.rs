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

/// Rules for a page: the picture's colours are those of the page, also in the dark.
pub fn style() -> String {
    let hex = |RGBColor(red, green, blue): RGBColor| format!("#{red:02X}{green:02X}{blue:02X}");
    let (mut light, mut dark, mut rules) = (String::new(), String::new(), String::new());
    let mut rule = |colour: RGBColor, name: &str| {
        let colour = hex(colour);
        let _ = write!(
            rules,
            ".chart [stroke=\"{colour}\"]{{stroke:var(--{name})}}.chart [fill=\"{colour}\"]{{fill:var(--{name})}}"
        );
    };
    for (index, (colour, in_the_dark)) in COLOURS.into_iter().enumerate() {
        let _ = write!(light, "--k{index}:{};", hex(colour));
        let _ = write!(dark, "--k{index}:{in_the_dark};");
        rule(colour, &format!("k{index}"));
    }
    [(INK, "ink"), (LINE, "line"), (SOFT, "soft")].into_iter().for_each(|(colour, name)| rule(colour, name));
    format!(":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}{rules}")
}
