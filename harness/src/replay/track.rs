//! The height of one host of an incident over time.
use super::incident::Host;
use crate::report::chart::Track;

/// The track of a host whose heights are known until `ends`, its times moved by `time`, which keeps their order; `None`: no height is known.
pub fn track(host: &Host, ends: i64, time: impl Fn(i64) -> i64) -> Option<Track> {
    let last = host.heights.last()?.0;
    let steps = host.heights.iter().map(|(at, height)| (time(*at), *height)).collect();
    Some(Track { steps, until: time(ends.max(last)) })
}
