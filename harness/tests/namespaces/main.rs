//! Namespaces, processes and the packet link of this machine, for real. Without the right to make namespaces every test
//! fails and says so; `LOCKSTEP_NO_NAMESPACES=1` leaves them out, visibly.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests, in real time")]
mod life;
mod link;
mod parts;
mod rights;
mod world;

use std::process::ExitCode;
use std::{env, fs};

use harness::subject::process::privilege::{Ability, ability, enter_user_namespace_if_needed};
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Ok(part) = env::var(parts::PART) {
        parts::play(&part);
        return ExitCode::SUCCESS;
    }
    enter_user_namespace_if_needed().unwrap();
    let mut arguments = Arguments::from_args();
    // They measure times.
    arguments.test_threads.get_or_insert(1);
    let left_out = env::var("LOCKSTEP_NO_NAMESPACES").is_ok_and(|value| value == "1");
    let missing = match ability() {
        Ability::Namespaces | Ability::Containers(_) => None,
        Ability::Loopback(reason) => Some(reason),
    };
    // Root of a user namespace can make no device nodes.
    let root = fs::read_to_string("/proc/self/uid_map").unwrap().trim().ends_with("4294967295");
    let tests = [link::TESTS, life::TESTS, rights::TESTS].concat();
    let trials = tests.into_iter().map(|(name, test)| {
        let missing = missing.clone();
        let run = move || match missing {
            Some(reason) => {
                Err(format!("no namespaces here ({reason}); LOCKSTEP_NO_NAMESPACES=1 leaves these tests out").into())
            }
            None => {
                test();
                Ok(())
            }
        };
        Trial::test(name, run).with_ignored_flag(left_out || (!root && name == rights::NEEDS_ROOT))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
