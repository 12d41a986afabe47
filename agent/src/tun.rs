//! A TUN device: the IP packets of a network namespace, read and written by the harness.
#![allow(unsafe_code, reason = "a TUN device is made and configured by ioctl")]
use std::ffi::{c_int, c_short};
use std::fs::OpenOptions;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::libc;

/// Bytes of an IP packet, at most: Ethernet's.
pub const MTU: usize = 1500;
/// What makes TUN devices.
pub const PATH: &str = "/dev/net/tun";
/// Packets that the kernel keeps for the harness, as many as fill the greatest receive window (tcp_rmem, 6 MiB): with
/// the usual 500 a busy machine loses some that no link has lost.
const QUEUE: c_int = 4096;
const NAME: &str = "tun0";

nix::ioctl_write_ptr_bad!(set_tun, libc::TUNSETIFF, libc::ifreq);
nix::ioctl_write_ptr_bad!(set_address, libc::SIOCSIFADDR, libc::ifreq);
nix::ioctl_write_ptr_bad!(set_mtu, libc::SIOCSIFMTU, libc::ifreq);
nix::ioctl_write_ptr_bad!(set_queue, libc::SIOCSIFTXQLEN, libc::ifreq);
nix::ioctl_write_ptr_bad!(set_flags, libc::SIOCSIFFLAGS, libc::ifreq);
nix::ioctl_write_ptr_bad!(add_route, libc::SIOCADDRT, libc::rtentry);

/// The harness's end of a TUN device; reading and writing never block.
#[derive(Debug)]
pub struct Tun(OwnedFd);

impl Tun {
    /// Makes the device in the calling thread's network namespace: `ips` with a /32 each, everything else behind it,
    /// and the loopback device up.
    ///
    /// # Errors
    /// The step that the system refuses.
    pub fn new(ips: &[Ipv4Addr]) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(PATH);
        let tun = Self(file.map_err(|error| told(PATH, error))?.into());
        let device = tun.0.as_raw_fd();
        // Any socket will do: it only says which namespace is meant.
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let control = socket.as_raw_fd();
        interface("a TUN device", set_tun, device, NAME, |is| is.ifru_flags = flags(libc::IFF_TUN | libc::IFF_NO_PI))?;
        interface("its MTU", set_mtu, control, NAME, |is| is.ifru_mtu = MTU as c_int)?;
        // Only the machine's own root may; others do with 500. The kernel reads the same bytes for any whole number.
        let _ = interface("its queue", set_queue, control, NAME, |is| is.ifru_metric = QUEUE);
        for (i, ip) in ips.iter().enumerate() {
            // A point-to-point device's address is a /32 unless told otherwise.
            let label = if i == 0 { NAME.to_owned() } else { format!("{NAME}:{i}") };
            interface("an address", set_address, control, &label, |is| is.ifru_addr = sockaddr(*ip))?;
        }
        for name in [NAME, "lo"] {
            interface("a device up", set_flags, control, name, |is| {
                is.ifru_flags = flags(libc::IFF_UP | libc::IFF_RUNNING);
            })?;
        }
        default_route(control)?;
        Ok(tun)
    }

    /// Reads one packet.
    ///
    /// # Errors
    /// There is none (`EAGAIN`), or the device is gone.
    pub fn read(&self, packet: &mut [u8; MTU]) -> nix::Result<usize> {
        nix::unistd::read(&self.0, packet)
    }

    /// Writes one packet.
    ///
    /// # Errors
    /// The device is gone, or the packet is none.
    pub fn write(&self, packet: &[u8]) -> nix::Result<usize> {
        nix::unistd::write(&self.0, packet)
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for Tun {
    /// One that was made elsewhere.
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl From<Tun> for OwnedFd {
    fn from(tun: Tun) -> Self {
        tun.0
    }
}

/// An error that says what was tried.
pub fn told(what: &str, error: impl Into<io::Error>) -> io::Error {
    let error = error.into();
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

/// Changes one thing of the device `name`.
fn interface(
    what: &str,
    ioctl: unsafe fn(RawFd, *const libc::ifreq) -> nix::Result<c_int>,
    fd: RawFd,
    name: &str,
    fill: impl FnOnce(&mut libc::__c_anonymous_ifr_ifru),
) -> io::Result<()> {
    // SAFETY: `ifreq` is plain numbers and a pointer; all of it zero is a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // One byte less: the name ends with a zero.
    for (to, from) in request.ifr_name[..libc::IFNAMSIZ - 1].iter_mut().zip(name.bytes()) {
        *to = from as _;
    }
    fill(&mut request.ifr_ifru);
    // SAFETY: the descriptor is open and `request` is the initialised structure that this request reads.
    unsafe { ioctl(fd, &request) }.map_err(|error| told(what, error))?;
    Ok(())
}

fn default_route(control: RawFd) -> io::Result<()> {
    // SAFETY: `rtentry` is plain numbers and pointers; all of it zero is a valid value.
    let mut route: libc::rtentry = unsafe { std::mem::zeroed() };
    let mut device = NAME.bytes().chain([0]).map(|byte| byte as libc::c_char).collect::<Vec<_>>();
    route.rt_dst = sockaddr(Ipv4Addr::UNSPECIFIED);
    route.rt_genmask = sockaddr(Ipv4Addr::UNSPECIFIED);
    route.rt_flags = libc::RTF_UP as _;
    route.rt_dev = device.as_mut_ptr();
    // SAFETY: the descriptor is open, `route` is initialised, and the name it points at ends with a zero and lives
    // longer.
    unsafe { add_route(control, &route) }.map_err(|error| told("a default route", error))?;
    Ok(())
}

fn flags(flags: c_int) -> c_short {
    flags as c_short
}

/// As `sockaddr_in` lies in memory: port, then address.
fn sockaddr(ip: Ipv4Addr) -> libc::sockaddr {
    let mut address = libc::sockaddr { sa_family: libc::AF_INET as _, sa_data: [0; 14] };
    for (to, from) in address.sa_data[2..].iter_mut().zip(ip.octets()) {
        *to = from as _;
    }
    address
}
