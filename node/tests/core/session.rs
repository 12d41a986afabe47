//! How connections end.
use std::time::Duration;

use node::protocol::Event;
use node::wire::Message;

use crate::world::{World, main_chain};

#[test]
fn a_limit_of_ours_is_told_apart_from_the_peers_close() {
    for (reason, by_us) in [("send queue full", true), ("line too long", true), ("closed by peer", false)] {
        let mut world = World::new();
        world.node(1, &main_chain(10), 10, &[3], |_| {});
        world.puppet(3);
        world.run(Duration::from_secs(1));
        world.say(3, 1, Message::Ack { message_type: "Handshake".into() });
        world.run(Duration::from_secs(1));
        world.end(3, 1, reason, by_us);
        world.run(Duration::from_secs(1));
        let told = |event: &Event| match event {
            Event::Disconnected { by_us, reason, .. } => Some((reason.clone(), *by_us)),
            _ => None,
        };
        let ends: Vec<_> = world.events.iter().filter_map(|(_, _, event)| told(event)).collect();
        assert_eq!(ends, [(reason.to_owned(), by_us)]);
        assert_eq!(world.count(1, |event| matches!(event, Event::Reconnecting { .. })), 1);
    }
}
