//! How namespaces and processes begin and end.
use std::fs;
use std::net::Ipv4Addr;
use std::panic::{catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use harness::subject::process::namespace::Namespace;
use harness::subject::process::packet_link::PacketLink;
use harness::subject::process::spawner::Spawner;
use nix::sched::{CloneFlags, unshare};

use super::parts::{command, line, say};
use super::world::{A, World, plain, wait_for};

pub const TESTS: &[(&str, fn())] = &[
    ("twenty_are_ready_in_a_second", twenty_are_ready_in_a_second),
    ("processes_end_with_the_harness", processes_end_with_the_harness),
    ("processes_end_with_the_spawner", processes_end_with_the_spawner),
    ("nothing_is_left_behind", nothing_is_left_behind),
    ("the_caller_stays_where_it_is", the_caller_stays_where_it_is),
];

fn twenty_are_ready_in_a_second() {
    // Others use this machine too: the best of three.
    let took = (0..3).map(|_| start_twenty()).min().unwrap();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

/// How long it takes until twenty processes listen.
fn start_twenty() -> Duration {
    let start = Instant::now();
    let spawner = Spawner::start().unwrap();
    let ips = (1..=20).map(|i| Ipv4Addr::new(10, 0, 0, i));
    let (namespaces, tuns): (Vec<_>, Vec<_>) = ips
        .map(|ip| {
            let (namespace, tun) = Namespace::new(&[ip]).unwrap();
            (namespace, (vec![ip], tun))
        })
        .unzip();
    let _link = PacketLink::start(1, tuns, plain(), Vec::new()).unwrap();
    let made = start.elapsed();
    let mut children: Vec<_> =
        namespaces.iter().map(|namespace| spawner.spawn(Some(namespace), None, command("listener")).unwrap()).collect();
    // All of them listen at one port: each has a network of its own.
    assert!(children.iter_mut().all(|child| line(child) == "ready"));
    let ready = start.elapsed();
    println!("20 namespaces: {made:?}; with processes that listen: {ready:?}");
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(namespaces.iter().all(|namespace| namespace.congestion_control() == "reno"));
    ready
}

/// Whether there is such a process; one that only wasn't reaped yet isn't.
fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()).is_some_and(|state| state != 'Z')
}

/// The part of a harness: a world with a process in it, for ever.
pub fn harness() {
    let world = World::new(plain());
    let spawner = Spawner::start().unwrap();
    let mut child = spawner.spawn(Some(&world.b), None, command("listener")).unwrap();
    assert_eq!(line(&mut child), "ready");
    say(&child.id().to_string());
    child.wait().unwrap();
}

fn processes_end_with_the_harness() {
    let mut harness = command("harness").spawn().unwrap();
    let pid = line(&mut harness);
    assert!(runs(&pid));
    harness.kill().unwrap();
    harness.wait().unwrap();
    wait_for("the process's end", Duration::from_secs(2), || !runs(&pid));
}

fn processes_end_with_the_spawner() {
    let spawner = Spawner::start().unwrap();
    let mut child = spawner.spawn(None, None, command("idler")).unwrap();
    assert_eq!(line(&mut child), "ready");
    assert_eq!(child.try_wait().unwrap(), None);
    drop(spawner);
    let status = child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
}

/// Namespaces that may exist at once in the part `limited`.
const LIMIT: usize = 4;

fn nothing_is_left_behind() {
    let status = command("limited").spawn().unwrap().wait().unwrap();
    assert!(status.success(), "{status}");
}

/// The part of somebody with few namespaces: what is left behind is missing later.
pub fn limited() {
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    unshare(CloneFlags::CLONE_NEWUSER).unwrap();
    for (name, map) in
        [("setgroups", "deny".into()), ("uid_map", format!("0 {user} 1")), ("gid_map", format!("0 {group} 1"))]
    {
        fs::write(format!("/proc/self/{name}"), map).unwrap();
    }
    let allow = |count: usize| fs::write("/proc/sys/user/max_net_namespaces", count.to_string()).unwrap();
    let all_are_free = |after: &str| {
        allow(LIMIT);
        let mut all = Vec::new();
        // The kernel ends them in the background.
        wait_for(after, Duration::from_secs(10), || {
            all.extend(Namespace::new(&[A]));
            all.len() == LIMIT
        });
        Namespace::new(&[A]).expect_err("the limit holds");
        allow(10 * LIMIT);
    };
    all_are_free("nothing");
    all_are_free("a drop");
    for _ in 0..3 {
        let panicked = catch_unwind(|| {
            let _world = World::new(plain());
            resume_unwind(Box::new("a part of the test"));
        });
        assert_eq!(*panicked.unwrap_err().downcast::<&str>().unwrap(), "a part of the test");
        all_are_free("a panic");
        let mut harness = command("harness").spawn().unwrap();
        assert!(line(&mut harness).parse::<u32>().is_ok());
        harness.kill().unwrap();
        harness.wait().unwrap();
        all_are_free("a SIGKILL");
    }
}

fn the_caller_stays_where_it_is() {
    let here = || fs::read_link("/proc/thread-self/ns/net").unwrap();
    let before = here();
    let (namespace, _tun) = Namespace::new(&[A]).unwrap();
    assert_eq!(here(), before);
    assert_ne!(super::world::inside(&namespace, here), before);
}
