//! What a core says of itself.
use std::time::Duration;

use node::protocol::{Direction, ForkStage, ReorgStatus, Role, Standing};
use node::wire::Message;

use crate::world::{World, fork, ip, main_chain};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn peers_ranges_and_back_offs_are_told() {
    let mut world = World::new();
    let chain = main_chain(1100);
    world.node(1, &chain, 1000, &[2, 3, 4], |_| {});
    world.node(2, &chain, 1100, &[1], |_| {});
    world.puppet(3);
    world.run(secs(1));
    world.say(3, 1, Message::Ack { message_type: "Handshake".into() });
    world.run(secs(1));
    world.say(3, 1, Message::BlockHeightResponse(1300));
    world.run(secs(1));
    let waiting = world.status(1);
    assert_eq!((waiting.standing, waiting.consensus_height), (Standing::Behind, Some(1200)));
    assert_eq!(waiting.ready().unwrap_err(), "behind: at height 1000, masternode consensus at 1200");
    let of = |n: u8| waiting.peers.iter().find(|peer| peer.ip == ip(n)).unwrap().clone();
    let puppet = of(3);
    assert_eq!((puppet.direction, puppet.role), (Direction::Outbound, Role::Whitelisted));
    // It answered 1 s after it was dialled, and told its height 1 s later (20 ms under way).
    assert_eq!((puppet.height, puppet.height_age_ms), (Some(1300), Some(980)));
    assert_eq!(puppet.connected_since, world.unix_ms() - 1_980);
    assert_eq!((puppet.masternode, puppet.missed_pongs, puppet.benched_ms), (false, 0, None));
    assert_eq!((of(2).height, of(2).foreign), (Some(1100), false));
    let [away] = &waiting.back_offs[..] else { panic!("{:?}", waiting.back_offs) };
    assert_eq!((away.ip, away.role, away.failures), (ip(4), Role::Whitelisted, 2));
    // It failed at 40 ms and 2080 ms; the second back-off is 4 s.
    assert_eq!(away.next_dial_ms, 3_080);

    world.run(secs(37));
    let behind = world.status(1);
    let range = behind.ranges_in_flight.iter().find(|range| range.ip == ip(3)).unwrap();
    assert_eq!((range.start, range.age_ms), (1001, 10_000));
    world.run(secs(300));
    let later = world.status(1);
    assert_eq!(later.uptime_ms, 340_000);
    assert!(later.peers.iter().all(|peer| peer.ip != ip(3)), "it was silent for too long");
}

#[test]
fn a_fork_is_told_while_it_is_resolved_and_after() {
    let mut world = World::new();
    world.node(1, &main_chain(3000), 3000, &[2], |config| config.network.masternode = false);
    world.node(2, &fork(2990, 3000), 3000, &[1], |_| {});
    let mut stages = Vec::new();
    while world.status(1).last_reorg.is_none() {
        world.run(Duration::from_millis(5));
        for fork in world.status(1).forks {
            assert_eq!((fork.ip, fork.ancestor), (ip(2), (fork.stage != ForkStage::Search).then_some(2990)));
            stages.push(fork.stage);
        }
        assert!(world.now < secs(60), "{:?}", world.status(1));
    }
    stages.dedup();
    assert_eq!(stages, [ForkStage::Search, ForkStage::Vote, ForkStage::Fetch]);
    let status = world.status(1);
    let at = status.last_reorg.unwrap().at;
    assert!((world.unix_ms() - 5..=world.unix_ms()).contains(&at));
    assert_eq!(status.last_reorg, Some(ReorgStatus { at, old_height: 3000, new_height: 3000, ancestor: 2990 }));
    assert_eq!(status.tip_hash, fork(2990, 3000).tip().hash.to_string());
    assert_eq!((status.standing, status.ready()), (Standing::InSync, Ok(())));
}

#[test]
fn bans_are_told_with_what_is_left_of_them() {
    let mut world = World::new();
    world.node(1, &main_chain(10), 10, &[2], |_| {});
    world.puppet(9);
    world.dial(9, 1);
    assert_eq!(world.status(1).peers[0].role, Role::Regular);
    for _ in 0..53 {
        world.say(9, 1, Message::GetPeers);
    }
    world.run(secs(10));
    let status = world.status(1);
    assert!(status.peers.is_empty());
    let [ban] = &status.bans[..] else { panic!("{:?}", status.bans) };
    assert_eq!((ban.ip, ban.remaining_ms), (ip(9), Some(290_020)));
    assert_eq!(status.ready().unwrap_err(), "no whitelisted peer has told its height");
    world.run(secs(300));
    assert!(world.status(1).bans.is_empty());
}

#[test]
fn far_ahead_is_no_sync() {
    let mut world = World::new();
    let chain = main_chain(1201);
    world.node(1, &chain, 1201, &[2], |config| config.sync.leader_rule = false);
    world.node(2, &chain, 1100, &[], |config| config.sync.enable_coordinator = false);
    world.run(secs(5));
    let status = world.status(1);
    assert_eq!(status.standing, Standing::Ahead);
    assert_eq!(status.ready().unwrap_err(), "ahead: at height 1201, masternode consensus at 1100");
    assert!(status.peers[0].masternode, "it says so to who dials it");
}
