//! Catching up and forks between cores.
use std::net::IpAddr;
use std::time::Duration;

use node::chain::{BuiltChain, Height, SealedBlock, TipRule};
use node::protocol::Event;
use node::wire::Message;

use crate::world::{self, World, fork, main_chain};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn a_node_100_behind_catches_up() {
    let mut world = World::new();
    let chain = main_chain(1100);
    world.node(1, &chain, 1000, &[2, 3], |_| {});
    world.node(2, &chain, 1100, &[1, 3], |_| {});
    world.node(3, &chain, 1100, &[1, 2], |_| {});
    world.run(secs(65));
    assert_eq!(world.heights(1..=3), [1100; 3]);
    insta::assert_snapshot!(world.transcript(1));
}

#[test]
fn the_incident_ends_at_the_top() {
    for heights in [[1919, 2817, 3651, 4805], [1000, 1000, 1000, 1100]] {
        let mut world = World::new();
        let chain = main_chain(4805);
        for (n, height) in (1..).zip(heights) {
            let others: Vec<u8> = (1..=4).filter(|other| *other != n).collect();
            world.node(n, &chain, height, &others, |_| {});
        }
        world.run(secs(150));
        assert_eq!(world.heights(1..=4), [heights[3]; 4]);
    }
}

#[test]
fn a_fork_at_equal_height_is_resolved_without_a_push() {
    let mut world = World::new();
    world.node(1, &main_chain(3000), 3000, &[2], |config| config.network.masternode = false);
    world.node(2, &fork(2990, 3000), 3000, &[1], |_| {});
    world.run(secs(40));
    assert_eq!(world.tip(1), fork(2990, 3000).tip());
    insta::assert_snapshot!(world.transcript(1));
}

#[test]
fn an_ancestor_9990_back_is_found_in_three_round_trips() {
    let mut world = World::new();
    world.node(1, &main_chain(12_000), 12_000, &[2], |config| config.network.masternode = false);
    world.node(2, &fork(2010, 12_000), 12_000, &[1], |_| {});
    world.run(secs(60));
    assert_eq!(world.tip(1), fork(2010, 12_000).tip());
    let found = |event: &Event| matches!(event, Event::AncestorFound { height: 2010, depth: 9990, round_trips: 3, .. });
    assert_eq!(world.count(1, found), 1);
    assert_eq!(world.count(1, |event| matches!(event, Event::Reorg { .. })), 1);
}

#[test]
fn past_the_limit_the_chain_stays() {
    let mut world = World::new();
    world.node(1, &main_chain(12_000), 12_000, &[2], |config| config.network.masternode = false);
    world.node(2, &fork(1999, 12_000), 12_000, &[1], |_| {});
    world.run(secs(300));
    assert_eq!(world.tip(1), main_chain(12_000).tip());
    assert_eq!(world.count(1, |event| matches!(event, Event::ForkGaveUp { .. })), 1);
}

#[test]
fn three_masternodes_on_two_forks_agree() {
    for ahead in [3000, 3100] {
        let mut world = World::new();
        let other = fork(2900, ahead);
        world.node(1, &main_chain(3000), 3000, &[2, 3], |_| {});
        world.node(2, &main_chain(3000), 3000, &[1, 3], |_| {});
        world.node(3, &other, ahead, &[1, 2], |_| {});
        world.run(secs(120));
        let tips: Vec<_> = (1..=3).map(|n| world.tip(n).hash).collect();
        assert_eq!(tips, [main_chain(3000).tip().hash; 3], "two of three hold it");
    }
}

/// A node at 1000, an honest masternode at 1100, and a whitelisted puppet that says 1200 and nothing else.
fn with_a_silent_leader() -> World {
    let mut world = World::new();
    world.node(1, &main_chain(1100), 1000, &[2, 3], |_| {});
    world.node(2, &main_chain(1100), 1100, &[1], |_| {});
    world.puppet(3);
    world.run(secs(1));
    world.say(3, 1, Message::Ack { message_type: "Handshake".into() });
    world.run(secs(1));
    world.say(3, 1, Message::BlockHeightResponse(1200));
    world
}

#[test]
fn a_silent_leader_is_hedged_then_benched() {
    let mut world = with_a_silent_leader();
    for _ in 0..14 {
        world.run(secs(25));
        let pings: Vec<u64> = world.pings(3);
        for nonce in pings {
            world.say(3, 1, Message::Pong { nonce, timestamp: 0, height: None });
        }
    }
    assert_eq!(world.tip(1).height, 1100);
    insta::assert_snapshot!(world.transcript(1));
}

#[test]
fn a_request_dies_with_its_connection() {
    let mut world = with_a_silent_leader();
    world.run(secs(29));
    world.hang_up(3, 1);
    world.run(secs(1));
    assert_eq!(
        world.count(1, |event| matches!(event, Event::RequestFailed { reason, .. } if reason == "connection closed")),
        1
    );
    assert_eq!(world.tip(1).height, 1100, "the other masternode was asked at once");
}

/// Answers what puppet `n` has heard as somebody with `chain` would: of hashes and blocks only what is `told` of.
fn answer(world: &mut World, heard: &[(u8, Message)], n: u8, chain: &BuiltChain, told: impl Fn(&Message) -> bool) {
    for message in heard.iter().filter(|(to, message)| *to == n && told(message)).map(|(_, message)| message) {
        let answer = match message {
            Message::Ping { nonce, .. } => Message::Pong { nonce: *nonce, timestamp: 0, height: None },
            Message::GetChainTip => Message::ChainTipResponse { height: chain.tip().height, hash: chain.tip().hash },
            Message::GetBlockHash(height) => {
                Message::BlockHashResponse { height: *height, hash: chain.block(*height).map(|block| block.hash()) }
            }
            Message::GetBlockRange { start_height, end_height } => {
                Message::BlockRangeResponse((*start_height..=*end_height).filter_map(|at| chain.block(at)).collect())
            }
            _ => continue,
        };
        world.say(n, 1, answer);
    }
}

/// 2's branch leaves the main chain at 120, which 3 goes on with: both hold its first block, 101. Until 50 s, 2 sends no range of it that begins
/// at `from` or higher; 3 sends the one that begins there.
fn two_ways(from: u64) -> (World, BuiltChain) {
    let mut world = World::new();
    world.node(1, &fork(100, 600), 600, &[2, 3], |config| {
        config.sync.hedge_after = secs(10);
        config.sync.max_sync_batch_size = 50;
    });
    let (main, long) = (main_chain(620), main_chain(620).fork(120, 5, 620, TipRule::Any));
    [2, 3].into_iter().for_each(|n| world.puppet(n));
    world.run(secs(1));
    for (n, height) in [(2, 620), (3, 600)] {
        world.say(n, 1, Message::Ack { message_type: "Handshake".into() });
        world.run(secs(1));
        world.say(n, 1, Message::BlockHeightResponse(height));
    }
    let start = |message: &Message| match message {
        Message::GetBlockRange { start_height, .. } => Some(*start_height),
        _ => None,
    };
    let mut held = Vec::new();
    for _ in 0..1_000 {
        world.run(Duration::from_millis(80));
        let number = |ip: IpAddr| (1..=3).find(|n| world::ip(*n) == ip).unwrap_or(0);
        let heard = std::mem::take(&mut world.heard).into_iter().map(|(_, to, message)| (number(to), message));
        let heard: Vec<_> = std::mem::take(&mut held).into_iter().chain(heard).collect();
        let now = world.now;
        let waits = |what: &Message| now < secs(50) && start(what).is_some_and(|at| (from..=600).contains(&at));
        held.extend(heard.iter().filter(|(to, what)| *to == 2 && waits(what)).cloned());
        answer(&mut world, &heard, 2, &long, |what| !waits(what));
        answer(&mut world, &heard, 3, &main, |what| match what {
            Message::GetBlockHash(height) => *height == 101,
            Message::Ping { .. } => true,
            what => start(what) == Some(from),
        });
    }
    assert_eq!(world.count(1, |event| matches!(event, Event::BlockRejected { .. })), 0);
    (world, long)
}

#[test]
fn who_hedges_and_has_gone_another_way_is_not_asked_again() {
    let (world, long) = two_ways(151);
    let asked = |event: &Event| matches!(event, Event::Requested { ip, .. } if *ip == world::ip(3));
    assert_eq!(world.count(1, asked), 1, "{}", world.transcript(1));
    assert_eq!(world.tip(1), long.tip());
}

#[test]
fn what_does_not_follow_anothers_blocks_is_nobodys_offence() {
    let (world, _) = two_ways(101);
    let gave_up =
        |event: &Event| matches!(event, Event::ForkGaveUp { reason, .. } if reason == "its holders go different ways");
    assert_eq!(world.count(1, gave_up), 1, "{}", world.transcript(1));
}

/// A node at 600 on a fork has heard of 1100 from 9, has asked it, and has heard from it that it is at 0. Nobody else has told of more than 600.
fn sender_of_a_far_higher_branch() -> (World, Vec<SealedBlock>) {
    let mut world = World::new();
    world.node(1, &fork(100, 600), 600, &[], |_| {});
    for n in 6..=9 {
        world.puppet(n);
        world.dial(n, 1);
        world.say(n, 1, Message::BlockHeightResponse(600));
    }
    world.say(9, 1, Message::BlockInventory(1100));
    world.run(secs(1));
    assert_eq!(world.heard.last().map(|(_, _, message)| message), Some(&Message::GetBlocks(601, 1100)));
    world.say(9, 1, Message::BlockHeightResponse(0));
    (world, (601..=1100).filter_map(|height| main_chain(1100).block(height)).collect())
}

/// The vote about who showed a branch up to there was asked for, and has failed; nobody else of four agrees.
fn assert_deferred(world: &World, top: Height) {
    assert_eq!(world.count(1, |event| matches!(event, Event::ForkDetected { .. })), 0, "{}", world.transcript(1));
    let deferred = |event: &Event| matches!(event, Event::OffConsensus { agree: 1, total: 4, tip, .. } if *tip == top);
    assert_eq!(world.count(1, deferred), 1, "{}", world.transcript(1));
}

/// Component 2: what somebody shows counts as its height, whatever it tells.
#[test]
fn whose_answer_shows_a_far_higher_branch_needs_the_vote() {
    let (mut world, blocks) = sender_of_a_far_higher_branch();
    world.say(9, 1, Message::BlocksResponse(blocks));
    world.run(secs(1));
    assert_deferred(&world, 1100);
}

#[test]
fn who_pushes_a_far_higher_branch_needs_the_vote() {
    let (mut world, mut blocks) = sender_of_a_far_higher_branch();
    // What was asked for, but of no use: the request is over.
    world.say(9, 1, Message::BlocksResponse(Vec::new()));
    world.run(secs(1));
    blocks.truncate(100);
    world.say(9, 1, Message::BlocksResponse(blocks));
    world.run(secs(1));
    assert_deferred(&world, 700);
}

#[test]
fn a_stranger_that_dials_is_regular() {
    let mut world = World::new();
    world.node(1, &main_chain(1000), 1000, &[], |_| {});
    world.puppet(9);
    world.dial(9, 1);
    world.say(9, 1, Message::BlockHeightResponse(9000));
    world.run(secs(120));
    assert_eq!(world.count(1, |event| matches!(event, Event::Requested { .. })), 0);
    assert_eq!(world.count(1, |event| matches!(event, Event::Connected { whitelisted: false, .. })), 1);
}
