//! The same range asked of the same peer again and again.
use super::{Scene, Symptom};
use crate::history::Field;
use crate::replay::incident::{Event, Host};

/// The same range asked of the same peer so often is a loop (D-15: at most 3 times in 5 minutes).
const LOOP: usize = 4;

impl Scene<'_> {
    pub(super) fn repetition(&self, party: usize, host: &Host) -> Option<Symptom> {
        let often = |event: &Event| event.times.windows(LOOP).any(|times| times[LOOP - 1] - times[0] <= 300_000_000);
        let looped = |event: &&Event| event.name == "requested" && event.peer.is_some() && often(event);
        let event = host.events.iter().filter(looped).max_by_key(|event| event.count)?;
        let (Some(Field::Number(start)), Some(Field::Number(end))) =
            (event.fields.get("start"), event.fields.get("end"))
        else {
            return None;
        };
        let (node, peer) = (self.name(party), self.name(self.cast.at(event.peer?)?));
        // More than the cure allows in this time, where it was more.
        let spans = u64::try_from((event.last - event.first()) / 300_000_000).unwrap_or_default() + 1;
        let at_least = (spans * (LOOP as u64 - 1) + 1).min(event.count);
        Some(Symptom {
            what: format!("{node} asks {peer} for {start}-{end} again and again: {} times", event.count),
            source: self.source(event.place),
            reproduced: vec![format!(
                "count: {{seen: {{see: {{on: {node}, log: requested, where: {{ip: {peer}, start: {start}, end: {end}}}}}}}, at_least: {at_least}}}"
            )],
            cured: vec![format!(
                "rate: {{seen: {{see: {{on: {node}, log: requested}}}}, per: 5m, at_most: {}, each: [start, end, ip]}}",
                LOOP - 1
            )],
            mutant: Some("same_range_for_ever"),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::replay::draft::testing::{Logs, section};

    #[test]
    fn the_fourth_time_in_five_minutes_is_a_loop() {
        let asked = "Requesting blocks 101-200 from 10.0.0.2";
        let yaml = Logs::of(&["a"]).lines("a", [10, 100, 200, 300, 400], asked).draft();
        assert!(yaml.starts_with("title: \"a asks p-10-0-0-2 for 101-200 again and again: 5 times\"\n"), "{yaml}");
        let rate = "rate: {seen: {see: {on: a, log: requested}}, per: 5m, at_most: 3, each: [start, end, ip]}";
        assert_eq!(section(&yaml, "expect")[0], rate);
        let incident = section(&yaml, "incident");
        assert_eq!(incident[1], "mutant: same_range_for_ever");
        // More than three each in the two times five minutes that it lasts, but for what there was.
        let count =
            "count: {seen: {see: {on: a, log: requested, where: {ip: p-10-0-0-2, start: 101, end: 200}}}, at_least: 5}";
        assert!(incident.contains(&count.to_owned()), "{yaml}");
        for times in [&[10, 100, 200][..], &[0, 150, 300, 450]] {
            let yaml = Logs::of(&["a"]).lines("a", times.to_vec(), asked).draft();
            assert!(!yaml.contains("again and again"), "{yaml}");
        }
    }
}
