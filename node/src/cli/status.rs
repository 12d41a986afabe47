//! `masternode status`
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use super::exit::Failure;
use super::{http_get, status_table};
use crate::config::Config;
use crate::http::Status;

#[derive(Debug, Args)]
pub(super) struct StatusFlags {
    /// The node's configuration file, whose `[http] listen` is asked; without it and --url 127.0.0.1:24180 is
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    config: Option<PathBuf>,
    /// Where the node serves HTTP
    #[arg(long, value_name = "http://HOST:PORT")]
    url: Option<String>,
    /// Print what the node answers, as JSON
    #[arg(long)]
    json: bool,
    /// Exit with 0 where the node's loop runs, else with 1: a container's health check
    #[arg(long, conflicts_with_all = ["json", "ready"])]
    health: bool,
    /// Exit with 0 where the node is in sync, else with 1
    #[arg(long, conflicts_with = "json")]
    ready: bool,
}

/// Asks a running node.
pub(super) fn status(flags: StatusFlags) -> Result<(), Failure> {
    if flags.health || flags.ready {
        let path = if flags.health { "/healthz" } else { "/readyz" };
        let answer = ask(&flags, path).map_err(|failure| Failure::unhealthy(failure.report))?;
        print!("{answer}");
        return Ok(());
    }
    let answer = ask(&flags, "/status")?;
    if flags.json {
        println!("{answer}");
        return Ok(());
    }
    let wrong = |error| Failure::environment(format_args!("what answers is no masternode of this version: {error}"));
    let status: Status = serde_json::from_str(&answer).map_err(wrong)?;
    print!("{}", status_table::render(&status));
    Ok(())
}

/// The body of a good answer.
fn ask(flags: &StatusFlags, path: &str) -> Result<String, Failure> {
    let at = address(flags)?;
    let (code, body) = http_get::get(&at, path).map_err(|error| {
        Failure::environment(format_args!(
            "no node answers at {at}: {error}\nis it running, and has its configuration an [http] table?"
        ))
    })?;
    if code == 200 { Ok(body) } else { Err(Failure::environment(body.trim_end())) }
}

/// `host:port`
fn address(flags: &StatusFlags) -> Result<String, Failure> {
    if let Some(url) = &flags.url {
        let at = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
        return match at.contains(['/', '@']) || !at.contains(':') {
            true => Err(Failure::bad_input(format_args!("--url {url}: write it as http://HOST:PORT"))),
            false => Ok(at.to_owned()),
        };
    }
    let listen = match &flags.config {
        Some(file) => Config::load(file)?.http.ok_or_else(|| {
            Failure::bad_input(format_args!("{}: without an [http] table the node serves no status", file.display()))
        })?,
        None => (Ipv4Addr::LOCALHOST, 24_180).into(),
    };
    Ok(reachable(listen).to_string())
}

/// Who listens on every address is asked on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen {
        SocketAddr::V4(at) if at.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, at.port()).into(),
        SocketAddr::V6(at) if at.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, at.port()).into(),
        at => at,
    }
}
