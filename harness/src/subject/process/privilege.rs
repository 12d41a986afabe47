//! What this process may do.
use std::fs;
use std::io;
use std::net::Ipv4Addr;

use agent::{PATH, told};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{AccessFlags, access, getegid, geteuid};

use super::namespace::Namespace;
use crate::subject::container;

/// Where subjects can run.
#[derive(Debug, Clone)]
pub enum Ability {
    /// In network namespaces of their own.
    Namespaces,
    /// Only side by side on the loopback device, for this reason.
    Loopback(String),
    /// In containers.
    Containers(container::Options),
}

/// Who isn't root becomes root of a user namespace of its own, which is enough to make network namespaces. To be called
/// at the start of `main`: a process with a second thread can't. Where it is forbidden, or there is no TUN device to
/// use, all stays as it was, and [`ability`] says so.
///
/// # Errors
/// The namespace was entered, but its users can't be named; this process then is nobody, and should end.
pub fn enter_user_namespace_if_needed() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    if user.is_root() || device().is_err() {
        return Ok(());
    }
    if unshare(CloneFlags::CLONE_NEWUSER).is_err() {
        return Ok(());
    }
    // The kernel wants the first before the third.
    let maps = [("setgroups", "deny".into()), ("uid_map", format!("0 {user} 1")), ("gid_map", format!("0 {group} 1"))];
    for (name, map) in maps {
        let path = format!("/proc/self/{name}");
        fs::write(&path, map).map_err(|error| told(&path, error))?;
    }
    Ok(())
}

/// Really tries: makes a namespace with a TUN device, and drops it.
pub fn ability() -> Ability {
    match device().and_then(|()| Namespace::new(&[Ipv4Addr::new(10, 0, 0, 1)])) {
        Ok(_) => Ability::Namespaces,
        Err(error) => Ability::Loopback(error.to_string()),
    }
}

/// Whether the device may be used; without it there is no use in anything else.
fn device() -> io::Result<()> {
    access(PATH, AccessFlags::R_OK | AccessFlags::W_OK).map_err(|error| told(PATH, error))
}
