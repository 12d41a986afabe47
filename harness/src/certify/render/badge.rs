//! The badge: how many of the catalogue's MUSTs the node keeps.
use crate::certify::statement::{Statement, Status};

/// Width of a character of the badge's font, in tenths of a pixel, amply.
const CHARACTER: usize = 68;

/// An SVG of two fields.
pub fn badge(statement: &Statement) -> String {
    let musts = statement.rows.iter().filter(|row| row.level == "MUST");
    let total = musts.clone().count();
    let kept = musts.filter(|row| row.status == Status::Pass).count();
    let failed = statement.rows.iter().any(|row| matches!(row.status, Status::Fail | Status::UnexpectedPass));
    let colour = match (failed, kept == total) {
        (true, _) => "#c0392b",
        (false, true) => "#2d8a4e",
        (false, false) => "#b7791f",
    };
    let (left, right) = ("lockstep", format!("{kept}/{total} MUST"));
    let width = |text: &str| text.chars().count() * CHARACTER / 10 + 12;
    let (a, b) = (width(left), width(&right));
    let all = a + b;
    let middle = |from: usize, width: usize| from + width / 2;
    let (at_left, at_right) = (middle(0, a), middle(a, b));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" role=\"img\" aria-label=\"{left}: {right}\">\
         <title>{left}: {right}</title>\
         <clipPath id=\"r\"><rect width=\"{all}\" height=\"20\" rx=\"3\"/></clipPath>\
         <g clip-path=\"url(#r)\"><rect width=\"{a}\" height=\"20\" fill=\"#3b4252\"/>\
         <rect x=\"{a}\" width=\"{b}\" height=\"20\" fill=\"{colour}\"/></g>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{at_left}\" y=\"14\">{left}</text><text x=\"{at_right}\" y=\"14\">{right}</text></g></svg>\n"
    )
}
