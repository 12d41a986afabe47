//! What somebody may do who isn't root.
use std::env;
use std::process::Command;

use super::parts::PART;

pub const NEEDS_ROOT: &str = "who_is_not_root_needs_only_the_device";
pub const TESTS: &[(&str, fn())] = &[(NEEDS_ROOT, who_is_not_root_needs_only_the_device)];

/// What `ability()` says to nobody, where `/dev/net` holds what `device` puts there.
fn ability_of_nobody(device: &str) -> String {
    let program = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let script = format!(
        "mount -t tmpfs tmpfs /dev/net && {device} && chmod 755 {program} && \
         exec setpriv --reuid 65534 --regid 65534 --clear-groups {program}",
        program = program.display()
    );
    let output = Command::new("unshare").args(["--mount", "sh", "-c", &script]).env(PART, "rights").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn who_is_not_root_needs_only_the_device() {
    assert_eq!(ability_of_nobody("mknod -m 666 /dev/net/tun c 10 200"), "Namespaces");
    let closed = ability_of_nobody("mknod -m 600 /dev/net/tun c 10 200");
    assert_eq!(closed, r#"Loopback("/dev/net/tun: Permission denied (os error 13)")"#);
    let missing = ability_of_nobody("true");
    assert_eq!(missing, r#"Loopback("/dev/net/tun: No such file or directory (os error 2)")"#);
}
