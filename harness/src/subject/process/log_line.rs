//! A line of the reference node's log as JSON, and what it tells of the chain.
use jiff::Timestamp;
use serde_json::{Number, Value};

use crate::history::{Field, Fields, What};
use crate::peer::Chains;

/// Fields that are times, in seconds.
const TIMES: [&str; 4] = ["after", "benched", "duration", "timeout"];

/// When a line was written, by the node's clock.
pub fn written(line: &str) -> Option<Timestamp> {
    line.strip_prefix("{\"timestamp\":\"")?.split_once('"')?.0.parse().ok()
}

/// A line of text, without a level and without a name.
pub fn text(line: &str) -> What {
    What::Log { level: String::new(), event: String::new(), text: line.to_owned(), fields: Fields::new() }
}

/// What a line says; times in fields are those of the scenario, `time_scale` times the node's. A line that isn't such JSON is one of text.
pub fn read(line: &str, time_scale: u32) -> What {
    let Ok(Value::Object(mut json)) = serde_json::from_str(line) else { return text(line) };
    let Some(Value::Object(said)) = json.remove("fields") else { return text(line) };
    let mut what = (String::new(), String::new(), Fields::new());
    for (name, value) in said {
        let value = match value {
            Value::String(text) => Field::Text(text),
            Value::Number(number) => {
                let scale = if TIMES.contains(&name.as_str()) { time_scale } else { 1 };
                scaled(&number, scale)
            }
            other => Field::Text(other.to_string()),
        };
        match name.as_str() {
            "event" => what.0 = value.to_string(),
            "message" => what.1 = value.to_string(),
            _ => {
                what.2.insert(name, value);
            }
        }
    }
    let level = json.get("level").and_then(Value::as_str).unwrap_or_default().to_owned();
    What::Log { level, event: what.0, text: what.1, fields: what.2 }
}

fn scaled(number: &Number, scale: u32) -> Field {
    let scaled = number.as_f64().map(|number| number * f64::from(scale)).filter(|_| scale > 1);
    match (number.as_u64(), scaled) {
        // Within what a duration is rounded to on its way through the log.
        (_, Some(scaled)) if (scaled - scaled.round()).abs() < 1e-3 => Field::Number(scaled.round() as u64),
        (Some(number), None) => Field::Number(number),
        (_, scaled) => Field::Text(scaled.map_or_else(|| number.to_string(), |scaled| scaled.to_string())),
    }
}

/// The chain after an event that changes it. The log shortens hashes; those of built chains are told in full.
pub fn chain(said: &What, chains: &Chains) -> Option<What> {
    let What::Log { event, fields, .. } = said else { return None };
    let number = |name: &str| match fields.get(name) {
        Some(Field::Number(number)) => Some(*number),
        _ => None,
    };
    let (ancestor, height, tip) = match event.as_str() {
        "started" => (number("height")?, number("height")?, fields.get("tip")?),
        "appended" => (number("height")?.checked_sub(number("count")?)?, number("height")?, fields.get("tip")?),
        "reorg" => (number("ancestor")?, number("new_height")?, fields.get("new_tip")?),
        _ => return None,
    };
    let tip = tip.to_string();
    let tip = chains.hash_like(height, &tip).map_or(tip, |hash| hash.to_string());
    Some(What::Chain { ancestor, height, tip, broken: None })
}

/// A connection's fate as the node tells it, where nobody sees the network.
pub fn connection(said: &What) -> Option<What> {
    let What::Log { event, fields, .. } = said else { return None };
    let is = |name: &str, text: &str| fields.get(name).is_some_and(|value| value.to_string() == text);
    let fate = match event.as_str() {
        "connected" => "opened",
        "disconnected" if is("by_us", "true") => "closed_by_node",
        "disconnected" => "closed_by_peer",
        _ => return None,
    };
    Some(What::Connection { fate: fate.to_owned(), peer: fields.get("ip")?.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::testing::chains;

    #[test]
    fn lines_of_json_and_of_text() {
        let line = r#"{"timestamp":"2026-06-01T00:00:00Z","level":"WARN","fields":{"message":"We're at 5","event":"behind",
            "our":5,"timeout":0.75,"after":3,"benched":0.33333,"nonce":18446744073709551615,"ip":"10.0.0.2","hedge":false},"target":"node"}"#;
        let What::Log { level, event, text, fields } = read(line, 10) else { panic!() };
        assert_eq!((&*level, &*event, &*text), ("WARN", "behind", "We're at 5"));
        assert_eq!((&fields["our"], &fields["nonce"]), (&Field::Number(5), &Field::Number(u64::MAX)));
        assert_eq!((&*fields["ip"].to_string(), &*fields["hedge"].to_string()), ("10.0.0.2", "false"));
        assert_eq!((&fields["after"], &*fields["timeout"].to_string()), (&Field::Number(30), "7.5"));
        assert!(fields["benched"].to_string().starts_with("3.333"));
        let at =
            written(r#"{"timestamp":"2026-06-01T00:00:00.000001Z","level":"WARN"}"#).map(Timestamp::as_microsecond);
        assert_eq!(
            (at, written("2026-06-01T00:00:00Z"), written(r#"{"timestamp":"now"}"#)),
            (Some(1_780_272_000_000_001), None, None)
        );
        for line in ["thread 'main' panicked", "{\"fields\":5}", "[]", "{"] {
            let What::Log { level, event, text, .. } = read(line, 10) else { panic!() };
            assert_eq!((&*level, &*event, &*text), ("", "", line));
        }
    }

    #[test]
    fn events_tell_the_chain() {
        let main = chains().whole("main");
        let tip = main.block(7).unwrap().hash();
        let said = |event: &str, fields: &str| {
            read(&format!(r#"{{"level":"INFO","fields":{{"event":"{event}",{fields}}}}}"#), 1)
        };
        let told = |said| match chain(&said, &chains()) {
            Some(What::Chain { ancestor, height, tip, .. }) => Some((ancestor, height, tip)),
            _ => None,
        };
        let short = format!(r#""height":7,"tip":"{}","count":3"#, tip.short());
        assert_eq!(told(said("appended", &short)), Some((4, 7, tip.to_string())));
        assert_eq!(told(said("started", &short)), Some((7, 7, tip.to_string())));
        let reorg = r#""ancestor":3,"new_height":7,"new_tip":"00000000""#;
        assert_eq!(told(said("reorg", reorg)), Some((3, 7, "00000000".to_owned())), "a block that nobody built");
        assert_eq!(told(said("behind", &short)), None);
        assert_eq!(told(said("appended", r#""height":2,"tip":"x","count":3"#)), None);
    }
}
