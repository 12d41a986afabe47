//! Bytes of a line as text.
use memchr::{memchr, memchr2};

/// UTF-8 that was read in a Windows code page and written again: how emoji and signs begin then.
const MOJIBAKE: [&str; 5] = ["ğŸ", "ðŸ", "âœ", "â†", "ï¿½"];

/// A line's text without colours, in `room` where it differs from the bytes; and whether all of it is UTF-8. What isn't becomes `\u{fffd}`.
pub fn clean<'a>(bytes: &'a [u8], room: &'a mut String) -> (&'a str, bool) {
    let coloured = memchr(0x1b, bytes).is_some();
    match std::str::from_utf8(bytes) {
        Ok(text) if !coloured => (text, true),
        Ok(text) => {
            strip(text, room);
            (room, true)
        }
        Err(_) => {
            strip(&String::from_utf8_lossy(bytes), room);
            (room, false)
        }
    }
}

/// Whether a wrong code page shows.
pub fn is_mojibake(text: &str) -> bool {
    // Each of them begins with one of two bytes.
    memchr2(0xc3, 0xc4, text.as_bytes()).is_some() && MOJIBAKE.iter().any(|sign| text.contains(sign))
}

/// Leaves out control sequences: ESC, `[`, parameters, a letter.
fn strip(text: &str, room: &mut String) {
    room.clear();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        room.push_str(before);
        rest = match after.strip_prefix('[') {
            Some(sequence) => sequence.trim_start_matches(|letter: char| matches!(letter, ' '..='?')),
            None => after,
        };
        if rest.len() < after.len() {
            rest = rest.strip_prefix(|letter: char| matches!(letter, '@'..='~')).unwrap_or(rest);
        }
    }
    room.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_broken_letters_go() {
        for (bytes, wanted) in [
            (&b"plain"[..], ("plain", true)),
            (b"\x1b[2m10:00\x1b[0m \x1b[1;32m INFO\x1b[0m \xe2\x9c\x93 x", ("10:00  INFO ✓ x", true)),
            (b"a\x1bb\x1b[", ("ab", true)),
            (b"a\xffb\x1b[0mc", ("a\u{fffd}bc", false)),
        ] {
            assert_eq!(clean(bytes, &mut String::new()), wanted);
        }
    }

    #[test]
    fn a_wrong_code_page_is_seen() {
        for (text, wanted) in
            [("ğŸ”„ Syncing", true), ("âœ… ok", true), ("â†’", true), ("→ ✅ ok", false), ("Zürich", false)]
        {
            assert_eq!(is_mojibake(text), wanted, "{text}");
        }
    }
}
