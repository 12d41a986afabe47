use crate::replay::draft::testing::{Logs, section, unknowns};

/// The timeline of a mesh, see [`Logs::mesh`]. What is lost from 60 s on was last heard at 50 s.
fn steps(hosts: u8, peers: u8, lost: &[(u8, u8, std::ops::Range<i64>)]) -> Vec<String> {
    Logs::mesh(hosts, peers, lost).section("timeline")
}

fn cut(one: &str, other: &str) -> String {
    format!("{{at: 50s, do: {{cut: {{between: [{one}], and: [{other}], for: 150s}}}}}}")
}

#[test]
fn a_partition_is_one_cut() {
    let lost = [(1, 3, 60..200), (1, 4, 60..200), (2, 3, 60..200), (4, 2, 60..200)];
    assert_eq!(steps(4, 0, &lost), [cut("a, b", "c, d")]);
    // The one who still hears all is on no side.
    assert_eq!(steps(5, 0, &lost), [cut("a, b", "c, d")]);
}

#[test]
fn a_partition_is_one_cut_though_those_of_a_side_do_not_know_each_other() {
    let lost = 60..200;
    let lost = std::slice::from_ref(&lost);
    let logs = Logs::of(&["a", "b"])
        .hears("a", "10.0.0.8", lost)
        .hears("a", "10.0.0.9", lost)
        .hears("b", "10.0.0.8", lost)
        .hears("b", "10.0.0.9", lost)
        .hears("a", "10.0.0.7", &[])
        .hears("b", "10.0.0.7", &[]);
    assert_eq!(logs.section("timeline"), [cut("a, b, p-10-0-0-7", "p-10-0-0-8, p-10-0-0-9")]);
}

#[test]
fn a_node_without_anybody_is_cut_off() {
    let lost = [(1, 2, 60..200), (1, 3, 60..200), (4, 1, 60..200)];
    assert_eq!(steps(4, 0, &lost), [cut("a", "others")]);
    // That it tells of its own address as of another's changes nothing.
    let own = Logs::mesh(4, 0, &lost).hears("a", "10.0.0.1", &[]);
    assert_eq!(own.section("timeline"), [cut("a", "others")]);
}

#[test]
fn a_node_that_logs_nothing_meanwhile_stood_still() {
    let lost = [(2, 1, 60..200), (3, 1, 60..200)];
    let still = Logs::mesh(3, 0, &lost).quiet("a", 60..200);
    assert_eq!(still.section("timeline"), ["{at: 50s, do: {pause: {who: [a], for: 150s}}}"]);
    // Who logs only each half minute is not still.
    let lost = [(2, 1, 60..170), (3, 1, 60..170)];
    let few = (0..20).fold(Logs::mesh(3, 0, &lost), |logs, at| logs.quiet("a", at * 30 + 1..at * 30 + 30));
    assert_eq!(few.section("timeline"), ["{at: 50s, do: {cut: {between: [a], and: [others], for: 2m}}}"]);
}

#[test]
fn single_links_are_cut_as_stars_and_nothing_else_is() {
    let lost = [(1, 2, 60..200), (3, 1, 60..200), (4, 5, 60..200)];
    assert_eq!(steps(5, 0, &lost), [cut("a", "b, c"), cut("d", "e")]);
}

#[test]
fn the_fewest_cuts_need_not_be_those_of_the_busiest() {
    // Most links of one are lost by `a`, but each of them is also explained by another cut that there has to be.
    let lost = [(1, 2), (1, 3), (1, 4), (2, 5), (3, 6), (4, 7)].map(|(who, whom)| (who, whom, 60..200));
    assert_eq!(steps(7, 0, &lost), [cut("b", "a, e"), cut("c", "a, f"), cut("d", "a, g")]);
}

#[test]
fn losses_at_other_times_have_other_causes() {
    let lost = [(1, 2, 60..180), (1, 2, 310..601)];
    let wanted = [
        "{at: 50s, do: {cut: {between: [a], and: [b], for: 130s}}}",
        "{at: 5m, do: {cut: {between: [a], and: [b], for: 5m}}}",
    ];
    assert_eq!(steps(3, 0, &lost), wanted);
}

#[test]
fn a_peer_that_all_lose_is_silent() {
    let lost = [(1, 3, 60..200), (2, 3, 60..200)];
    let wanted = [
        "{at: 50s, do: {deviate: {peers: [p-10-0-0-3], deviations: [{mute: [everything]}]}}}",
        "{at: 200s, do: {deviate: {peers: [p-10-0-0-3], deviations: []}}}",
    ];
    assert_eq!(steps(2, 1, &lost), wanted);
    // To the end, each is gone by itself.
    let lost = [(1, 3, 60..601), (2, 3, 60..601), (1, 4, 60..601), (2, 4, 60..601)];
    let gone =
        |peer| format!("{{at: 50s, do: {{deviate: {{peers: [{peer}], deviations: [{{mute: [everything]}}]}}}}}}");
    assert_eq!(steps(2, 3, &lost), [gone("p-10-0-0-3"), gone("p-10-0-0-4")]);
}

#[test]
fn of_one_that_a_single_host_knows_the_link_may_be_down() {
    let logs = Logs::mesh(1, 2, &[(1, 3, 60..200)]);
    let yaml = logs.draft();
    assert_eq!(section(&yaml, "timeline").len(), 2, "{yaml}");
    assert!(unknowns(&yaml).contains(&"whether p-10-0-0-3 or the link to it was down at 50s: default: p-10-0-0-3"));
}

#[test]
fn missed_pongs_are_a_silence_from_the_last_sign_on() {
    let missed = |number: u8| format!("Ping timeout from 10.0.0.2 (nonce: 1, missed: {number}/3)");
    let logs = Logs::mesh(1, 2, &[])
        .quiet("a", 60..200)
        .line("a", 90, &missed(1))
        .lines("a", (60..200).step_by(10), "Received pong from 10.0.0.3 (nonce: 1)")
        .line("a", 120, &missed(2));
    let yaml = logs.draft();
    let deviate = |at, how| format!("{{at: {at}s, do: {{deviate: {{peers: [p-10-0-0-2], deviations: [{how}]}}}}}}");
    assert_eq!(section(&yaml, "timeline"), [deviate(50, "{mute: [everything]}"), deviate(200, "")], "{yaml}");
    assert!(yaml.contains("  # a.log:30: it is silent\n"), "{yaml}");
}
