//! One small GET.
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// For connecting, and for each read.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer that are read.
const LONGEST: u64 = 16 << 20;

/// The status code and the body that `at`, a `host:port`, answers for `path`.
///
/// HTTP/1.0, so that the answer ends where the connection does.
///
/// # Errors
/// Where nothing answers within 5 s, or something that isn't HTTP.
pub(super) fn get(at: &str, path: &str) -> io::Result<(u16, String)> {
    let addresses: Vec<SocketAddr> = at.to_socket_addrs()?.collect();
    let mut stream = Err(io::Error::new(io::ErrorKind::NotFound, "no address"));
    for address in addresses {
        stream = TcpStream::connect_timeout(&address, PATIENCE);
        if stream.is_ok() {
            break;
        }
    }
    let mut stream = stream?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {at}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer)?;
    let not_http = || io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(not_http)?;
    let code = head.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).and_then(|code| code.parse().ok());
    Ok((code.ok_or_else(not_http)?, body.to_owned()))
}
