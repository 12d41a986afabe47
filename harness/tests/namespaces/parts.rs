//! What this program does as a process of its own, for a test.
use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::{env, thread};

use harness::subject::process::privilege::{ability, enter_user_namespace_if_needed};

use super::{life, world};

/// Names the part to play.
pub const PART: &str = "NAMESPACES_TEST_PART";

/// This program in a part of it; what it says can be read.
pub fn command(part: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(PART, part).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Reads one line of what it says.
pub fn line(child: &mut Child) -> String {
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line).unwrap();
    line.trim().to_owned()
}

/// Says something, now.
pub fn say(what: &str) {
    println!("{what}");
    std::io::stdout().flush().unwrap();
}

fn stay() -> ! {
    say("ready");
    loop {
        thread::park();
    }
}

pub fn play(part: &str) {
    match part {
        "listener" => {
            let _listener = TcpListener::bind(("0.0.0.0", world::PORT)).unwrap();
            stay();
        }
        "idler" => stay(),
        "harness" => life::harness(),
        "limited" => life::limited(),
        "rights" => {
            enter_user_namespace_if_needed().unwrap();
            say(&format!("{:?}", ability()));
        }
        other => panic!("no such part: {other}"),
    }
}
