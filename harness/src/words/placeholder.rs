//! Values of a line: what stands in a place of its template.
use std::net::Ipv4Addr;

/// How far what follows a `rest` is looked for, in bytes.
const FARTHEST: usize = 512;
/// Kinds of values by the words for them.
pub const KINDS: [(&str, Kind); 5] = [
    ("number", Kind::Number),
    ("decimal", Kind::Decimal),
    ("ip", Kind::Ip),
    ("word", Kind::Word),
    ("rest", Kind::Rest),
];

/// Kinds of values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Decimal digits up to 2^64 - 1.
    Number,
    /// The same, with a fraction.
    Decimal,
    /// An IPv4 address; a port after it is dropped.
    Ip,
    /// Up to a space or to the text that follows, without quotes around it.
    Word,
    /// Up to the text that follows, else to the line's end.
    Rest,
}

/// What follows `literal`, which `text` begins with.
pub fn after<'a>(text: &'a str, literal: &str) -> Option<&'a str> {
    if let Some(rest) = text.strip_prefix(literal) {
        return Some(if literal.ends_with(' ') { rest.trim_start_matches(' ') } else { rest });
    }
    let mut rest = text;
    for (index, word) in literal.split(' ').enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(' ')?.trim_start_matches(' ');
        }
        rest = rest.strip_prefix(word)?;
    }
    Some(rest)
}

/// The value that `text` begins with, and what follows it.
pub fn value<'a>(text: &'a str, kind: Kind, next: Option<&str>) -> Option<(&'a str, &'a str)> {
    let split = |length: usize| Some((text.get(..length)?, text.get(length..)?));
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    match kind {
        Kind::Number | Kind::Decimal => {
            let whole = digits(text);
            let (number, rest) = split(whole)?;
            number.parse::<u64>().ok()?;
            let fraction = rest.strip_prefix('.').map_or(0, digits);
            if kind == Kind::Decimal && fraction > 0 { split(whole + 1 + fraction) } else { Some((number, rest)) }
        }
        Kind::Ip => {
            let length = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').take(15).count();
            // A point after it ends a sentence.
            let length = text[..length].trim_end_matches('.').len();
            let (ip, rest) = split(length)?;
            ip.parse::<Ipv4Addr>().ok()?;
            let port = rest.strip_prefix(':').map_or(0, digits);
            Some((ip, if port > 0 { &rest[1 + port..] } else { rest }))
        }
        Kind::Word => {
            let unquoted = text.trim_start_matches(['"', '\'']);
            let end = unquoted.find(|letter: char| letter.is_whitespace()).unwrap_or(unquoted.len());
            let word = unquoted.get(..end)?;
            let next = next.and_then(|next| next.split(' ').next()).filter(|next| !next.is_empty());
            let end = next.and_then(|next| word.find(next)).unwrap_or(end);
            let (word, rest) = (unquoted.get(..end)?, unquoted.get(end..)?);
            (!word.is_empty()).then(|| (word.trim_end_matches(['"', '\'', ',']), rest))
        }
        Kind::Rest => match next {
            None => Some((text.trim_end(), "")),
            Some(next) => {
                let far = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= FARTHEST);
                let end = far.into_iter().find(|at| after(&text[*at..], next).is_some())?;
                split(end)
            }
        },
    }
}
