//! `lockstep ntp`: tells the time to nodes that insist on asking a server for it when they start (RFC 4330).
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};

use clap::Args;
use node::runtime::{Clock, SystemClock};

use super::{CliError, Exit};

/// Answer questions for the time, by the Simple Network Time Protocol, until killed.
#[derive(Debug, Args)]
pub(super) struct NtpArgs {
    /// Where it listens. Servers are asked at port 123.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:123")]
    listen: SocketAddr,
    /// The time that it tells at first, in seconds since 1970. Default: the machine's.
    #[arg(long, value_name = "SECONDS")]
    clock: Option<i64>,
}

/// Seconds from 1900, where its times begin, to 1970.
const SINCE_1900: i64 = 2_208_988_800;
/// Bytes of a question and of an answer, without what may follow.
const PACKET: usize = 48;

pub(super) fn ntp(args: &NtpArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let refused = |error| CliError::Harness(format!("cannot listen at {}: {error}", args.listen));
    let socket = UdpSocket::bind(args.listen).map_err(refused)?;
    let ahead_ms = args.clock.map_or(0, |clock| clock.saturating_mul(1000).saturating_sub(SystemClock.unix_ms()));
    writeln!(out, "telling the time at {}", socket.local_addr().map_err(refused)?)?;
    out.flush()?;
    let mut question = [0; 512];
    loop {
        let Ok((bytes, from)) = socket.recv_from(&mut question) else { continue };
        let now = SystemClock.unix_ms().saturating_add(ahead_ms);
        if let Some(answer) = answer(&question[..bytes], now) {
            // Who has gone meanwhile needs no answer.
            let _ = socket.send_to(&answer, from);
        }
    }
}

/// The answer to a client's question; `None` to anything else.
fn answer(question: &[u8], unix_ms: i64) -> Option<[u8; PACKET]> {
    const CLIENT: u8 = 3;
    const SERVER: u8 = 4;
    let (first, version) = (question.first()?, question.first()? >> 3 & 7);
    if question.len() < PACKET || first & 7 != CLIENT || !(1..=4).contains(&version) {
        return None;
    }
    let time = timestamp(unix_ms);
    let mut answer = [0; PACKET];
    answer[0] = version << 3 | SERVER;
    // A primary server that knows its time to the millisecond (2^-10 s).
    answer[1] = 1;
    answer[2] = question[2];
    answer[3] = (-10_i8).to_be_bytes()[0];
    answer[12..16].copy_from_slice(b"LOCL");
    // When it was set, the asker's own time, when it was asked, when it answers.
    answer[16..24].copy_from_slice(&time);
    answer[24..32].copy_from_slice(&question[40..48]);
    answer[32..40].copy_from_slice(&time);
    answer[40..48].copy_from_slice(&time);
    Some(answer)
}

/// Seconds since 1900 and their fraction, each 32 bits; the seconds begin anew in 2036.
fn timestamp(unix_ms: i64) -> [u8; 8] {
    let seconds = unix_ms.div_euclid(1000).wrapping_add(SINCE_1900) as u32;
    let fraction = ((unix_ms.rem_euclid(1000) as u64) << 32) / 1000;
    ((u64::from(seconds) << 32) | fraction).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_the_time_and_its_own_back() {
        let mut question = [0; PACKET];
        question[0] = 0b00_100_011;
        question[40..48].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        // 2025-12-02 17:45:57.500: 3,973,686,357 s after 1900.
        let answer = answer(&question, 1_764_697_557_500).unwrap();
        assert_eq!((answer[0], answer[1]), (0b00_100_100, 1));
        assert_eq!(answer[24..32], [1, 2, 3, 4, 5, 6, 7, 8]);
        for place in [16, 32, 40] {
            assert_eq!(answer[place..place + 4], 3_973_686_357_u32.to_be_bytes());
            assert_eq!(answer[place + 4..place + 8], [0x80, 0, 0, 0]);
        }
    }

    #[test]
    fn nothing_else_is_answered() {
        let mut server = [0; PACKET];
        server[0] = 0b00_100_100;
        let mut version = server;
        version[0] = 0b00_101_011;
        for question in [&[][..], &[0b00_100_011], &server, &version] {
            assert_eq!(answer(question, 0), None);
        }
    }
}
