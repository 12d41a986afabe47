//! Orders and answers over a Unix socket that keeps messages apart. Both ends are this project's; an answer of a stranger is an error.
use std::fs;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddrV4;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::cmsg_space;
use nix::libc;
use nix::sys::socket::sockopt::{ReceiveTimeout, ReuseAddr, SendTimeout};
use nix::sys::socket::{
    AddressFamily, Backlog, ControlMessage, ControlMessageOwned, MsgFlags, Shutdown, SockFlag, SockType, SockaddrIn,
    UnixAddr, accept4, bind, connect, listen, recvmsg, sendmsg, setsockopt, shutdown, socket,
};
use nix::sys::time::TimeVal;

use crate::order::Order;
use crate::tun::{Tun, told};

/// Bytes of a message: the addresses of a thousand parties fit.
const LONGEST: usize = 1 << 14;
/// What the harness says to who is held.
const GO: &str = "go";
/// Connections that wait to be accepted, for one socket.
const BACKLOG: i32 = 1024;

/// What came of an order.
#[derive(Debug, Default)]
pub struct Answer {
    /// What was made.
    pub descriptor: Option<OwnedFd>,
    /// What was asked for in words.
    pub text: String,
}

/// One end.
#[derive(Debug)]
pub struct Talk {
    socket: OwnedFd,
    /// Held from an order to its answer: several threads may ask.
    turn: Mutex<()>,
}

impl Talk {
    fn of(socket: OwnedFd) -> Self {
        Self { socket, turn: Mutex::new(()) }
    }

    /// The agent's end.
    ///
    /// # Errors
    /// Nobody listens at `path`.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let talk = Self::of(unix()?);
        connect(talk.socket.as_raw_fd(), &UnixAddr::new(path)?)?;
        Ok(talk)
    }

    /// A socket for an agent to connect to, with which [`accept`](Self::accept) works.
    ///
    /// # Errors
    /// The system's; a path of more than 107 bytes.
    pub fn listen(path: &Path) -> io::Result<Self> {
        let talk = Self::of(unix()?);
        bind(talk.socket.as_raw_fd(), &UnixAddr::new(path)?)?;
        listen(&talk.socket, Backlog::new(1)?)?;
        Ok(talk)
    }

    /// The harness's end, when an agent connects; its answers, too, may take `patience`.
    ///
    /// # Errors
    /// Nobody came in time (`WouldBlock`).
    pub fn accept(&self, patience: Duration) -> io::Result<Self> {
        self.wait_at_most(patience)?;
        let fd = accept4(self.socket.as_raw_fd(), SockFlag::SOCK_CLOEXEC)?;
        #[allow(unsafe_code, reason = "the system makes descriptors as numbers")]
        // SAFETY: it was just made, and nobody else knows it.
        let talk = Self::of(unsafe { OwnedFd::from_raw_fd(fd) });
        talk.wait_at_most(patience)?;
        Ok(talk)
    }

    fn wait_at_most(&self, patience: Duration) -> io::Result<()> {
        let limit = TimeVal::new(patience.as_secs().cast_signed(), patience.subsec_micros().into());
        setsockopt(&self.socket, ReceiveTimeout, &limit)?;
        setsockopt(&self.socket, SendTimeout, &limit)?;
        Ok(())
    }

    /// Has `order` done.
    ///
    /// # Errors
    /// What the agent tells, or that there is none any more.
    pub fn ask(&self, order: &Order) -> io::Result<Answer> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.send(&order.to_string(), None)?;
        let answer = self.receive().inspect_err(|_| {
            // An answer that comes too late must not be taken for the next one's.
            let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Both);
        });
        match answer? {
            None => Err(io::Error::other("the agent has ended")),
            Some((answer, descriptor)) => match answer.split_once(' ') {
                Some(("done", text)) => Ok(Answer { descriptor, text: text.to_owned() }),
                Some(("error", error)) => Err(io::Error::other(error.to_owned())),
                _ => Err(io::Error::other(format!("not an agent's answer: {answer:?}"))),
            },
        }
    }

    /// Lets who waits in [`hold`] go.
    ///
    /// # Errors
    /// It is not there any more.
    pub fn release(&self) -> io::Result<()> {
        self.send(GO, None)
    }

    fn send(&self, text: &str, fd: Option<&OwnedFd>) -> io::Result<()> {
        let fds = fd.map(AsRawFd::as_raw_fd);
        let rights = fds.as_slice();
        let message = [ControlMessage::ScmRights(rights)];
        let with = if rights.is_empty() { &[][..] } else { &message };
        let text = [IoSlice::new(text.as_bytes())];
        sendmsg::<()>(self.socket.as_raw_fd(), &text, with, MsgFlags::MSG_NOSIGNAL, None)?;
        Ok(())
    }

    /// The next message; `None` at the end.
    fn receive(&self) -> io::Result<Option<(String, Option<OwnedFd>)>> {
        let mut room = vec![0; LONGEST];
        let mut rights = cmsg_space!([libc::c_int; 1]);
        let (length, fd) = {
            let mut parts = [IoSliceMut::new(&mut room)];
            let message =
                recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut rights), MsgFlags::MSG_CMSG_CLOEXEC)?;
            let mut fds = message.cmsgs()?.filter_map(|with| match with {
                ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
                _ => None,
            });
            (message.bytes, fds.next())
        };
        #[allow(unsafe_code, reason = "the system passes descriptors as numbers")]
        // SAFETY: it was just made for this process, and nobody else knows it.
        let fd = fd.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        if length == 0 {
            return Ok(None);
        }
        room.truncate(length);
        let text = String::from_utf8(room).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        Ok(Some((text, fd)))
    }
}

fn unix() -> io::Result<OwnedFd> {
    Ok(socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?)
}

/// Becomes `program` when the other end says so; returns where that ends without a word.
///
/// # Errors
/// The connection's, or the program can't be started.
pub fn hold(talk: &Talk, program: &mut Command) -> io::Result<()> {
    match talk.receive()? {
        None => Ok(()),
        Some((word, _)) if word == GO => Err(told(&program.get_program().display().to_string(), program.exec())),
        Some((word, _)) => Err(io::Error::other(format!("not the harness's word: {word:?}"))),
    }
}

/// Obeys until the other end is gone.
///
/// # Errors
/// The connection's.
pub fn serve(talk: &Talk) -> io::Result<()> {
    while let Some((text, _)) = talk.receive()? {
        let done = text.parse().map_err(io::Error::other).and_then(|order| obey(&order));
        match done {
            Ok(Answer { descriptor, text }) => talk.send(&format!("done {text}"), descriptor.as_ref())?,
            Err(error) => talk.send(&format!("error {error}"), None)?,
        }
    }
    Ok(())
}

fn obey(order: &Order) -> io::Result<Answer> {
    let made = |fd| Answer { descriptor: Some(fd), text: String::new() };
    let tcp = || socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None);
    match order {
        Order::Tun(ips) => Tun::new(ips).map(|tun| made(tun.into())),
        Order::Listen(at) => {
            let socket = tcp()?;
            // A restart must not wait for the connections before.
            setsockopt(&socket, ReuseAddr, &true)?;
            bind(socket.as_raw_fd(), &SockaddrIn::from(*at))?;
            listen(&socket, Backlog::new(BACKLOG)?)?;
            Ok(made(socket))
        }
        Order::Dial(from) => {
            let socket = tcp()?;
            bind(socket.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(*from, 0)))?;
            Ok(made(socket))
        }
        Order::Listening(at) => match listening("/proc/net".as_ref(), *at) {
            true => Ok(Answer::default()),
            false => Err(io::Error::other(format!("nobody listens at {at}"))),
        },
        Order::CongestionControl => {
            let text = fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control")?;
            Ok(Answer { descriptor: None, text: text.trim().to_owned() })
        }
    }
}

/// Whether somebody listens at an address or at all, by what the kernel tells of a namespace in the folder `net` (proc(5), net/tcp).
pub fn listening(net: &Path, at: SocketAddrV4) -> bool {
    let port = format!(":{:04X}", at.port());
    // As the kernel writes it: the address' bytes as a number of this machine.
    let own = format!("{:08X}", u32::from_ne_bytes(at.ip().octets()));
    let any = |ip: &str| ip.chars().all(|c| c == '0');
    ["tcp", "tcp6"].iter().any(|table| {
        fs::read_to_string(net.join(table)).unwrap_or_default().lines().any(|line| {
            let mut words = line.split_whitespace().skip(1);
            let (Some(local), Some(state)) = (words.next(), words.nth(1)) else { return false };
            let ip = local.strip_suffix(&port);
            state == "0A" && ip.is_some_and(|ip| ip == own || any(ip))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
    use std::thread;

    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

    fn both() -> (Talk, thread::JoinHandle<io::Result<()>>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent");
        let port = Talk::listen(&path).unwrap();
        let agent = thread::spawn(move || serve(&Talk::connect(&path)?));
        (port.accept(Duration::from_secs(5)).unwrap(), agent)
    }

    #[test]
    fn sockets_are_made_there_and_used_here() {
        let (talk, agent) = both();
        let listener = talk.ask(&Order::Listen(SocketAddrV4::new(HERE, 0))).unwrap().descriptor.unwrap();
        let listener = TcpListener::from(listener);
        let SocketAddr::V4(at) = listener.local_addr().unwrap() else { panic!() };
        assert!(talk.ask(&Order::Listening(at)).unwrap().descriptor.is_none());
        let dial = talk.ask(&Order::Dial(Ipv4Addr::new(127, 0, 0, 4))).unwrap().descriptor.unwrap();
        connect(dial.as_raw_fd(), &SockaddrIn::from(at)).unwrap();
        TcpStream::from(dial).write_all(b"hello").unwrap();
        let (mut stream, from) = listener.accept().unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!((&*text, &*from.ip().to_string()), ("hello", "127.0.0.4"));
        drop(talk);
        agent.join().unwrap().unwrap();
    }

    #[test]
    fn what_can_not_be_done_is_told_and_the_talk_goes_on() {
        let (talk, _) = both();
        let nowhere = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 80);
        for (order, words) in [
            (Order::Listen(nowhere), "Cannot assign"),
            (Order::Dial(*nowhere.ip()), "Cannot assign"),
            (Order::Listening(nowhere), "nobody listens at 192.0.2.1:80"),
        ] {
            let error = talk.ask(&order).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn who_is_held_waits_for_the_word() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gate");
        let port = Talk::listen(&path).unwrap();
        let held = |program: &'static str| {
            let path = path.clone();
            let held = thread::spawn(move || hold(&Talk::connect(&path)?, &mut Command::new(program)));
            (port.accept(Duration::from_secs(5)).unwrap(), held)
        };
        // What can be started replaces this process: see the tests of containers.
        let (talk, waiting) = held("/nowhere");
        talk.release().unwrap();
        assert!(waiting.join().unwrap().unwrap_err().to_string().contains("/nowhere: No such file"));
        let (talk, waiting) = held("/nowhere");
        drop(talk);
        waiting.join().unwrap().unwrap();
    }

    #[test]
    fn an_answer_that_comes_too_late_is_nobody_elses() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent");
        let port = Talk::listen(&path).unwrap();
        let slow = thread::spawn(move || {
            let talk = Talk::connect(&path).unwrap();
            talk.receive().unwrap();
            thread::sleep(Duration::from_millis(100));
            // Nobody is there to be told.
            let _ = talk.send("done reno", None);
            talk
        });
        let talk = port.accept(Duration::from_millis(10)).unwrap();
        assert_eq!(talk.ask(&Order::CongestionControl).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let _still_there = slow.join().unwrap();
        assert!(talk.ask(&Order::Listening(SocketAddrV4::new(HERE, 1))).is_err());
    }

    #[test]
    fn nobody_there_is_an_error_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let port = Talk::listen(&dir.path().join("agent")).unwrap();
        assert_eq!(port.accept(Duration::from_millis(10)).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(Talk::connect(&dir.path().join("other")).is_err());
    }
}
