//! Whether two events tell the same.
use crate::history::{Field, Fields};
use crate::replay::incident::Event;

/// Told of forks: that they are told is compared here, their heights with the forks.
pub const FORK_WORDS: [&str; 6] =
    ["fork_detected", "priority_fork", "ancestor_found", "reorg", "fork_kept", "fork_gave_up"];
/// Fields that are heights.
const HEIGHTS: [&str; 4] = ["start", "end", "height", "our"];

/// Whether two events of one name tell the same, as far as both tell it. Hashes, nonces and others' tips are not compared.
pub fn alike(our: &Event, their: &Event, height: u64) -> bool {
    let apart = |name: &str| Some(number(&our.fields, name)?.abs_diff(number(&their.fields, name)?));
    let heights =
        FORK_WORDS.contains(&&*our.name) || HEIGHTS.iter().all(|name| apart(name).is_none_or(|by| by <= height));
    heights && apart("missed").is_none_or(|by| by == 0)
}

/// A field that is a whole number, however it is written.
pub fn number(fields: &Fields, name: &str) -> Option<u64> {
    match fields.get(name)? {
        Field::Number(number) => Some(*number),
        Field::Text(text) => text.parse().ok(),
    }
}

/// An event in words: `requested 2626-3737, 10.0.0.3`.
pub fn words(event: &Event) -> String {
    let of = |name: &str| number(&event.fields, name);
    let mut words = event.name.clone();
    if let (Some(start), Some(end)) = (of("start"), of("end")) {
        words += &format!(" {start}-{end}");
    }
    for name in ["height", "our", "missed"] {
        words += &of(name).map(|value| format!(" {name} {value}")).unwrap_or_default();
    }
    words + &event.peer.map(|peer| format!(", {peer}")).unwrap_or_default()
}
