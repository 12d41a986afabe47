//! A status for people.
use std::fmt::Write as _;

use crate::http::{Direction, ForkStage, PeerStatus, Role, Standing, Status};

/// A few lines about the node, and a line for each of its peers.
pub(super) fn render(status: &Status) -> String {
    let mut text = String::new();
    let mut line = |name: &str, what: String| {
        // A String takes everything.
        let _ = writeln!(text, "{name:<10} {what}");
    };
    let scale = if status.time_scale == 1 { String::new() } else { format!(", time scale {}", status.time_scale) };
    line("node", format!("{} on {}, up {}{scale}", status.version, status.network, span(status.uptime_ms)));
    line("tip", format!("{} {}", status.height, status.tip_hash));
    let standing = match status.standing {
        Standing::Behind => "behind",
        Standing::InSync => "in sync",
        Standing::Ahead => "ahead of the others",
        Standing::Unknown => "unknown",
    };
    let consensus = status.consensus_height.map(|height| format!(", masternode consensus at {height}"));
    line("standing", format!("{standing}{}", consensus.unwrap_or_default()));
    let whitelisted = status.peers.iter().filter(|peer| peer.role == Role::Whitelisted).count();
    line(
        "peers",
        format!(
            "{} ({whitelisted} of {} whitelisted), {} unfinished handshakes",
            status.peers.len(),
            status.whitelisted,
            status.half_open
        ),
    );
    for range in &status.ranges_in_flight {
        line("asked", format!("{} for blocks {}-{}, {} ago", range.ip, range.start, range.end, span(range.age_ms)));
    }
    for fork in &status.forks {
        let stage = match fork.stage {
            ForkStage::Search => "searching the common ancestor",
            ForkStage::Vote => "asking who holds which branch",
            ForkStage::Fetch => "fetching the branch",
        };
        let ancestor = fork.ancestor.map(|height| format!(" above {height}"));
        line("fork", format!("with {}: {stage}{}", fork.ip, ancestor.unwrap_or_default()));
    }
    if let Some(reorg) = status.last_reorg {
        line("reorg", format!("last from {} to {}, ancestor {}", reorg.old_height, reorg.new_height, reorg.ancestor));
    }
    for ban in &status.bans {
        let lasts = ban.remaining_ms.map_or_else(|| "until restart".to_owned(), |ms| format!("for {}", span(ms)));
        line("banned", format!("{} {lasts}", ban.ip));
    }
    for back_off in &status.back_offs {
        let next = span(back_off.next_dial_ms);
        line("away", format!("{} after {} failures, next dial in {next}", back_off.ip, back_off.failures));
    }
    if !status.peers.is_empty() {
        text.push_str(&peers(&status.peers));
    }
    text
}

fn peers(peers: &[PeerStatus]) -> String {
    let header =
        ["PEER", "DIALLED BY", "ROLE", "MASTERNODE", "HEIGHT", "TOLD", "MISSED PONGS", "BENCH"].map(str::to_owned);
    let row = |peer: &PeerStatus| {
        let none = || "-".to_owned();
        [
            peer.ip.to_string(),
            if peer.direction == Direction::Inbound { "peer" } else { "us" }.to_owned(),
            if peer.role == Role::Whitelisted { "whitelisted" } else { "regular" }.to_owned(),
            if peer.masternode { "yes" } else { "-" }.to_owned(),
            if peer.foreign {
                "foreign".to_owned()
            } else {
                peer.height.map_or_else(none, |height| height.to_string())
            },
            peer.height_age_ms.map_or_else(none, |age| format!("{} ago", span(age))),
            peer.missed_pongs.to_string(),
            peer.benched_ms.map_or_else(none, span),
        ]
    };
    let rows: Vec<[String; 8]> = std::iter::once(header).chain(peers.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let mut text = String::from("\n");
    for row in &rows {
        let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<0$}", width(column)));
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// The two largest units of a duration.
fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{BackOffStatus, BanStatus, ForkStatus, RangeStatus, ReorgStatus};

    #[test]
    fn spans_have_two_units() {
        let spans = [0, 59_999, 60_000, 3_599_000, 3_600_000, 86_399_000, 86_400_000, u64::MAX].map(span);
        assert_eq!(spans, ["0s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "1d00h", "213503982334d14h"]);
    }

    #[test]
    fn everything_has_its_line() {
        let [one, two] = ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse().unwrap());
        let peer = PeerStatus {
            ip: one,
            direction: Direction::Outbound,
            role: Role::Whitelisted,
            masternode: true,
            foreign: false,
            height: Some(4805),
            height_age_ms: Some(12_345),
            benched_ms: None,
            missed_pongs: 0,
            connected_since: 0,
        };
        let other = PeerStatus {
            ip: two,
            direction: Direction::Inbound,
            role: Role::Regular,
            masternode: false,
            foreign: true,
            height: None,
            height_age_ms: None,
            benched_ms: Some(90_000),
            missed_pongs: 2,
            ..peer
        };
        let status = Status {
            version: "0.1.0".into(),
            network: "testnet".into(),
            genesis: "aa".repeat(32),
            time_scale: 60,
            uptime_ms: 11_100_000,
            height: 1000,
            tip_hash: "bb".repeat(32),
            tip_time: 0,
            consensus_height: Some(4805),
            standing: Standing::Behind,
            whitelisted: 3,
            peers: vec![peer, other],
            half_open: 1,
            ranges_in_flight: vec![RangeStatus { start: 1001, end: 1500, ip: one, age_ms: 2_000 }],
            forks: vec![ForkStatus { ip: two, stage: ForkStage::Vote, ancestor: Some(990) }],
            last_reorg: Some(ReorgStatus { at: 0, old_height: 998, new_height: 1000, ancestor: 990 }),
            bans: vec![BanStatus { ip: two, remaining_ms: None }, BanStatus { ip: one, remaining_ms: Some(300_000) }],
            back_offs: vec![BackOffStatus { ip: one, role: Role::Whitelisted, failures: 2, next_dial_ms: 3_080 }],
        };
        insta::assert_snapshot!(render(&status), @"
        node       0.1.0 on testnet, up 3h05m, time scale 60
        tip        1000 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
        standing   behind, masternode consensus at 4805
        peers      2 (1 of 3 whitelisted), 1 unfinished handshakes
        asked      192.0.2.1 for blocks 1001-1500, 2s ago
        fork       with 2001:db8::1: asking who holds which branch above 990
        reorg      last from 998 to 1000, ancestor 990
        banned     2001:db8::1 until restart
        banned     192.0.2.1 for 5m00s
        away       192.0.2.1 after 2 failures, next dial in 3s

        PEER         DIALLED BY  ROLE         MASTERNODE  HEIGHT   TOLD     MISSED PONGS  BENCH
        192.0.2.1    us          whitelisted  yes         4805     12s ago  0             -
        2001:db8::1  peer        regular      -           foreign  -        2             1m30s
        ");
    }
}
