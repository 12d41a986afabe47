//! Which lines are which events: the shipped patterns, and an operator's own before them.
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde::Deserialize;

use super::template::{MOST_FIELDS, Template, Values};
use crate::scenario::{LoadError, Problem, Spanned, document, document_text};

const SHIPPED: &str = include_str!("../../../../fixtures/patterns.yaml");
/// Patterns of a file, at most.
const MOST: usize = 1000;
/// Bytes that are searched of a pattern's beginning, at most.
const SEARCHED: usize = 32;
/// Bytes of a pattern, at most.
const LONGEST: usize = 500;
/// Who dialled a connection, as lines tell it right before their words.
const DIRECTIONS: [(&str, &str); 2] = [("[Outbound] ", "Outbound"), ("[Inbound] ", "Inbound")];

/// A line of a file of patterns: the first pattern that a line's message matches anywhere says what it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatternFile {
    /// The event's name.
    event: Spanned<String>,
    /// The words of its line, see [`Template`]. `[Outbound] ` or `[Inbound] ` right before them becomes the field `direction`.
    line: Spanned<String>,
    /// Fields that the words alone tell.
    #[serde(default)]
    with: BTreeMap<String, Spanned<String>>,
}

#[derive(Debug)]
struct Pattern {
    event: String,
    template: Template,
    with: Vec<(String, String)>,
}

/// What lines are compared with.
#[derive(Debug)]
pub struct Patterns {
    all: Vec<Pattern>,
    events: BTreeSet<String>,
    /// Finds what patterns begin with.
    anchors: AhoCorasick,
    /// The patterns that begin with each, in order.
    beginning: Vec<Vec<usize>>,
}

/// What a line was found to tell.
#[derive(Debug)]
pub struct Found<'a> {
    /// The event's name.
    pub event: &'a str,
    /// Its fields.
    pub values: Values<'a>,
}

impl Patterns {
    /// The shipped patterns, and before them those of a file.
    ///
    /// # Errors
    /// The file can't be read, or all that is wrong with it.
    pub fn load(own: Option<&Path>) -> Result<Self, LoadError> {
        let mut all = own.map_or(Ok(Vec::new()), |path| document(path, |list: Vec<PatternFile>, _| check(list)))?;
        all.extend(document_text("shipped patterns", SHIPPED.to_owned(), |list: Vec<PatternFile>, _| check(list))?);
        Ok(Self::new(all))
    }

    fn new(all: Vec<Pattern>) -> Self {
        let mut texts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, pattern) in all.iter().enumerate() {
            texts.entry(beginning(pattern.template.anchor())).or_default().push(index);
        }
        let anchors = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(texts.keys());
        let anchors = anchors.expect("patterns are few, and what is searched of them is short");
        let beginning = texts.into_values().collect();
        let events = all.iter().map(|pattern| pattern.event.clone()).collect();
        Self { all, events, anchors, beginning }
    }

    /// Whether there is such an event.
    pub fn knows(&self, event: &str) -> bool {
        self.events.contains(event)
    }

    /// What the first of the patterns says that match.
    pub fn find<'a>(&'a self, message: &'a str) -> Option<Found<'a>> {
        let mut found = None;
        let mut best = usize::MAX;
        for hit in self.anchors.find_overlapping_iter(message) {
            for index in self.beginning[hit.pattern()].iter().copied().take_while(|index| *index < best) {
                let Pattern { event, template, with } = &self.all[index];
                let mut values = Values::none();
                if !template.matches(message.get(hit.start()..)?, &mut values) {
                    continue;
                }
                with.iter().for_each(|(name, value)| values.push(name, value));
                let before = message.get(..hit.start())?;
                let direction = DIRECTIONS.iter().find(|(text, _)| before.ends_with(text));
                direction.into_iter().for_each(|(_, direction)| values.push("direction", direction));
                found = Some(Found { event, values });
                best = index;
                break;
            }
        }
        found
    }
}

/// The first bytes of a text, by whole letters.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(SEARCHED)]
}

fn check(list: Vec<PatternFile>) -> Result<Vec<Pattern>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut all = Vec::new();
    if let Some(PatternFile { event, .. }) = list.get(MOST) {
        return Err(vec![Problem::new(event.place.clone(), format!("more than {MOST} patterns"))]);
    }
    for PatternFile { event, line, with } in list {
        let name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !name(&event.value) {
            let problem = Problem::new(event.place, format!("`{}` is no name of an event", event.value));
            problems.push(problem.help("small letters and _"));
        }
        let template = if line.value.len() > LONGEST {
            Err(Problem::new(line.place, format!("longer than {LONGEST} bytes"))
                .help("a few words tell it from others"))
        } else {
            Template::parse(&line.value).map_err(|why| Problem::new(line.place, why.title).help(why.help))
        };
        match template {
            Ok(template) => {
                let names = template.names();
                for (key, value) in &with {
                    if !name(key) || names.contains(&key.as_str()) || with.len() + names.len() >= MOST_FIELDS {
                        let title = format!("`{key}` can't be added");
                        let help =
                            format!("a name of small letters that the line doesn't give, {} in all", MOST_FIELDS - 1);
                        problems.push(Problem::new(value.place.clone(), title).help(help));
                    }
                }
                let with = with.into_iter().map(|(key, value)| (key, value.value)).collect();
                all.push(Pattern { event: event.value, template, with });
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(patterns: &Patterns, message: &str) -> String {
        let Some(Found { event, values }) = patterns.find(message) else { return String::new() };
        values.pairs().iter().fold(event.to_owned(), |text, (name, value)| format!("{text} {name}={value}"))
    }

    /// Message, and the event that it is.
    const LINES: &str = "
📤 [Outbound] Sent ping to 10.0.0.2 at height 17 (nonce: 5) | ping_sent ip=10.0.0.2 height=17 nonce=5 direction=Outbound
Sent ping to 10.0.0.2 (nonce: 5) | ping_sent ip=10.0.0.2 nonce=5
[Outbound] Received pong from 10.0.0.2 at height 18  (nonce: 5) | pong_received ip=10.0.0.2 height=18 nonce=5 direction=Outbound
[Outbound] RECEIVED PONG from 10.0.0.2 (nonce: 5) | pong_received ip=10.0.0.2 nonce=5 direction=Outbound
[Inbound] Received ping from 10.0.0.2:4711 (nonce: 9) | ping_received ip=10.0.0.2 nonce=9 direction=Inbound
[Inbound] Sent pong to 10.0.0.2:4711 (nonce: 9) | pong_sent ip=10.0.0.2 nonce=9 direction=Inbound
[Outbound] Pong MATCHED for 10.0.0.2 (nonce: 5), 2 pending pings remain | pong_matched ip=10.0.0.2 nonce=5 pending=2 direction=Outbound
Pong matches! 10.0.0.2 (nonce: 5, RTT: 31ms) | pong_matched ip=10.0.0.2 nonce=5 rtt=31
Ping timeout from 10.0.0.2 (nonce: 9, missed: 1/3) | pong_missed ip=10.0.0.2 nonce=9 missed=1 max=3
[Outbound] Peer 10.0.0.2 unresponsive after 3 missed pongs | peer_unresponsive ip=10.0.0.2 missed=3 direction=Outbound
Peer 10.0.0.2 unresponsive after 3 missed pongs, disconnecting | peer_unresponsive ip=10.0.0.2 missed=3
[Outbound] WHITELIST VIOLATION: Masternode 10.0.0.2 unresponsive after 6 missed pongs (relaxed timeout: 180s) | masternode_unresponsive ip=10.0.0.2 missed=6 timeout=180 direction=Outbound
[Outbound] Disconnecting 10.0.0.2 due to timeout | disconnected ip=10.0.0.2 by_us=true reason=timeout direction=Outbound
[Outbound] Connection to 10.0.0.2 closed by peer (EOF) | disconnected ip=10.0.0.2 reason=EOF direction=Outbound
Connection to 10.0.0.2 ended gracefully | disconnected ip=10.0.0.2 reason=graceful
Connection to 10.0.0.2 ended: Connection reset by peer | disconnected ip=10.0.0.2 reason=reset
Connection to 10.0.0.2 ended: Connection timed out (os error 110) | disconnected ip=10.0.0.2 reason=timeout
Connection to 10.0.0.2 ended: Broken pipe | disconnected ip=10.0.0.2 reason=Broken pipe
Peer 10.0.0.2:4711 disconnected (EOF) | disconnected ip=10.0.0.2 reason=EOF
Peer 10.0.0.2:4711 disconnected (Connection reset by peer) | disconnected ip=10.0.0.2 reason=reset
Reconnecting to 10.0.0.2 in 5s... | reconnecting ip=10.0.0.2 after=5
[MASTERNODE] Reconnecting to 10.0.0.2 in 5s... | reconnecting ip=10.0.0.2 after=5 whitelisted=true
[PHASE3-MN-PRIORITY] Reconnecting to masternode: 10.0.0.2 | dialling ip=10.0.0.2
[PHASE2-PEER] Connecting to: 10.0.0.2 | dialling ip=10.0.0.2
[OUTBOUND] Connecting to 10.0.0.2:24100 | dialling ip=10.0.0.2
Connected to peer: 10.0.0.2 | connected ip=10.0.0.2 direction=Outbound
New peer connection from: 10.0.0.2:4711 | connected ip=10.0.0.2 direction=Inbound
[Outbound] Sent handshake to 10.0.0.2 | handshake_sent ip=10.0.0.2 direction=Outbound
Handshake completed with 10.0.0.2 | handshake_done ip=10.0.0.2 direction=Outbound
Handshake completed | handshake_done direction=Outbound
Handshake accepted from 10.0.0.2:4711 (network: Testnet) | handshake_done ip=10.0.0.2 direction=Inbound
Added 10.0.0.2 to whitelist: named by the operator | whitelisted ip=10.0.0.2 reason=named by the operator
Marked 10.0.0.2 as whitelisted masternode with enhanced protection | whitelisted ip=10.0.0.2
Whitelisted peer before server start: 10.0.0.2 | whitelisted ip=10.0.0.2
Masternode 10.0.0.2 marked offline (no heartbeat for 300s) | masternode_offline ip=10.0.0.2 after=300
Auto-banned 10.0.0.2 for 5 minutes | banned ip=10.0.0.2 duration=5 minutes
Peer check: 3 connected, 4 active masternodes, 50 total slots | peer_check connected=3 masternodes=4
Status: Height=17, Active Masternodes=4 | status height=17 masternodes=4
Local blockchain verified (height: 17) | status height=17
Peer 10.0.0.2 has height 18 | peer_height ip=10.0.0.2 height=18
Syncing from peers: 17 → 20 (3 blocks behind) | syncing our=17 target=20 blocks=3
ğŸ”„ Syncing from peers: 17 â†’ 20 (3 blocks behind) | syncing our=17 target=20 blocks=3
Catching up: height 17 → 20 (3 blocks behind) | syncing our=17 target=20 blocks=3
Still syncing... height 17 / 20 (90s elapsed) | still_syncing our=17 target=20 elapsed=90
Starting sync loop: current=17, expected=20, timeout=60s | sync_began our=17 target=20 timeout=60
Requesting blocks 18-20 from 10.0.0.2 | requested start=18 end=20 ip=10.0.0.2
Sync coordinator: Found masternode 10.0.0.2 at height 20 (3 blocks ahead of us at 17) | behind ip=10.0.0.2 consensus=20 blocks=3 our=17
[Outbound] Received 3 blocks (height 18-20) from 10.0.0.2 (our height: 17) | received count=3 start=18 end=20 ip=10.0.0.2 our=17 direction=Outbound
Received 0 blocks from 10.0.0.2 | received count=0 ip=10.0.0.2
Received 5 blocks from peer | received count=5
Block sync progress: 17 → 20 from 10.0.0.2 (3 blocks in 1.5s) | sync_progress old_height=17 new_height=20 ip=10.0.0.2 count=3 elapsed=1.5
Sync complete at height 20 | in_sync our=20
Sync timeout at height 17 (target: 20) | sync_incomplete our=17 target=20 reason=timeout
Sync incomplete at height 17 (time-based target: 20) | sync_incomplete our=17 target=20 reason=time-based target
[WHITELIST] Accepting 3 blocks from trusted masternode 10.0.0.2 without consensus check | priority_sync count=3 ip=10.0.0.2
Peer 10.0.0.2 NOT on consensus chain (1/4 peers agree at height 20) | off_consensus ip=10.0.0.2 agree=1 total=4 tip=20
Fork detected: block 18 doesn't build on our chain | fork_detected height=18
Fork detected: block 18 previous_hash mismatch | fork_detected height=18
Fork detected at height 17: our a1b2 vs peer c3d4 | fork_detected height=17 ours=a1b2 theirs=c3d4
Fork detected at height 17: our hash \"a1b2\" (work: 9) vs incoming \"c3d4\" (work: 8) | fork_detected height=17 ours=a1b2 theirs=c3d4
Fork at same height 17: our hash a1b2 vs consensus hash c3d4 (3 peers) | fork_detected height=17 ours=a1b2 theirs=c3d4 peers=3
Fork at height 17. Checking previous block at height 16 (searched 1 blocks back) | fork_search height=17 next=16 depth=1
Common ancestor found at height 15 | ancestor_found height=15
Rolling back to height 15... | rollback height=15
REORG INITIATED: rollback 17 -> 15, then apply 5 blocks (16 -> 20) | reorg_began old_height=17 ancestor=15 count=5 start=16 end=20
Initiating blockchain reorganization... | reorg_began
REORG COMPLETE: new height 20, at last | reorg new_height=20
Skipped block 18: Block 18 previous_hash mismatch: expected a1b2, got c3d4 | block_rejected height=18 reason=Block 18 previous_hash mismatch expected=a1b2 got=c3d4
[Outbound] Skipped block 18: Block 18 previous_hash mismatch | block_rejected height=18 reason=Block 18 previous_hash mismatch direction=Outbound
Failed to add block: Block 18 not found | block_rejected height=18 reason=not found
Failed to add block: Cannot go back | block_rejected reason=Cannot go back
Successfully added 0 blocks | added count=0
All 5 blocks skipped from 10.0.0.2 | all_skipped count=5 ip=10.0.0.2
SELECTED AS LEADER for slot 77 | leader slot=77
Proposed block at height 21 with 3 transactions | produced height=21 transactions=3
TIME Coin Protocol Daemon v1.2.3 () | daemon_started version=1.2.3
Stopped | stopped
Local public IP detected: 10.0.0.2 | local_ip ip=10.0.0.2
Local IP: 10.0.0.2 (will skip self-connections) | local_ip ip=10.0.0.2
Network server listening on 0.0.0.0:24100 | listening
Network server listening on 10.0.0.2:24100 | local_ip ip=10.0.0.2
Connected to 0 masternode(s) in 0.00s |
Stopped sending |
Peer 10.0.0.2 |
";

    #[test]
    fn each_of_the_production_nodes_lines_is_its_event() {
        let patterns = Patterns::load(None).unwrap();
        for (message, wanted) in LINES.lines().filter_map(|line| line.split_once(" |")) {
            assert_eq!(read(&patterns, message), wanted.trim(), "{message}");
        }
    }

    #[test]
    fn the_reference_nodes_lines_tell_their_events_and_fields() {
        let patterns = Patterns::load(None).unwrap();
        let lines = include_str!("../../../../fixtures/log-lines/canonical.txt").lines();
        for (head, message) in lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" | ")) {
            let (_, wanted) = head.split_once(' ').unwrap();
            let Found { event, values } = patterns.find(message).unwrap_or_else(|| panic!("{message}"));
            let wanted = format!("{wanted} ");
            assert!(wanted.starts_with(&format!("{event} ")), "{message}: {event}");
            let told = values.pairs().iter().all(|(name, value)| wanted.contains(&format!(" {name}={value} ")));
            assert!(told, "{message}: {:?}", values.pairs());
            assert!(!wanted.contains(" ip=") || values.pairs().iter().any(|(name, _)| *name == "ip"), "{message}");
        }
    }

    #[test]
    fn an_operators_patterns_go_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.yaml");
        fs::write(&path, "- {event: mine, line: 'Sent ping to {ip}', with: {why: own}}\n").unwrap();
        let patterns = Patterns::load(Some(&path)).unwrap();
        assert!(patterns.knows("mine"));
        assert_eq!(read(&patterns, "Sent ping to 10.0.0.2 (nonce: 5)"), "mine ip=10.0.0.2 why=own");
        assert_eq!(read(&patterns, "Sent pong to 10.0.0.2 (nonce: 5)"), "pong_sent ip=10.0.0.2 nonce=5");
    }

    #[test]
    fn what_is_wrong_with_patterns_is_shown_at_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("own.yaml");
        let long = format!("- {{event: mine, line: {}}}\n", "x".repeat(LONGEST + 1));
        let many = "- {event: mine, line: abcd}\n".repeat(MOST + 1);
        for (text, wanted) in [
            ("- {event: mine, line: 'ab {ip}'}\n", "own.yaml:1:"),
            ("- {event: mine, line: abcd}\n- {event: My, line: abcd}\n", "own.yaml:2:"),
            ("- {event: mine, line: 'abcd {x:y}'}\n", "no kind of value `y`"),
            ("- {event: mine, line: abcd, regex: x}\n", "unknown key `regex`"),
            ("- {event: mine, line: 'abcd {ip}', with: {ip: x}}\n", "`ip` can't be added"),
            ("event: mine\n", "a list is expected here"),
            (&long, "longer than 500 bytes"),
            (&many, "more than 1000 patterns"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Patterns::load(Some(&path)).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        assert!(matches!(Patterns::load(Some(&dir.path().join("none"))), Err(LoadError::Unreadable { .. })));
    }
}
