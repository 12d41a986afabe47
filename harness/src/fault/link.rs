//! The link model: what one directed link does to what is sent over it.
use std::net::IpAddr;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::SimTime;
use super::timeline::Timeline;

/// What a directed link is like for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkParams {
    /// One way. In a simulation at least 1 ms.
    pub latency: Duration,
    /// Added to the latency: uniform from 0 to this.
    pub jitter: Duration,
    /// Share of segments lost, 0 to 1.
    pub loss: f64,
    /// Share of segments sent twice, 0 to 1. On a simulated stream the copy only costs bandwidth.
    pub duplicate: f64,
    /// Share of segments overtaken by later ones, 0 to 1: they take the latency and the jitter twice.
    pub reorder: f64,
    /// Bytes per second, 1 or more; `None` is no limit.
    pub rate: Option<u64>,
    /// Nothing passes.
    pub cut: bool,
}

impl Default for LinkParams {
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(1),
            jitter: Duration::ZERO,
            loss: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            rate: None,
            cut: false,
        }
    }
}

/// What became of the segments of one directed link: the evidence that a fault bit. Connection attempts count as segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Tries to get a segment across; a retransmission is one more.
    pub sent: u64,
    /// Tries that got across.
    pub delivered: u64,
    /// Tries while the link was cut.
    pub lost_to_cut: u64,
    /// Tries lost at random.
    pub lost_at_random: u64,
    /// Tries that found a queue full: the link's at its rate, or the receiver's. None in a simulation, where senders wait.
    pub lost_to_queue: u64,
    /// Segments sent twice.
    pub duplicated: u64,
    /// Segments overtaken.
    pub reordered: u64,
    /// Segments that waited for bandwidth.
    pub shaped: u64,
    /// Bytes of first tries.
    pub bytes: u64,
}

/// When a segment has left, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// When its last byte has left.
    pub at: SimTime,
    /// It leaves twice.
    pub twice: bool,
}

/// How a segment gets across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passage {
    /// From its departure to its arrival.
    pub takes: Duration,
    /// Later ones may arrive before it.
    pub overtaken: bool,
}

/// One directed link. All its randomness comes from one stream of the seed, so that what happens on one link changes no other.
#[derive(Debug, Clone)]
pub struct Link {
    params: Timeline<LinkParams>,
    rng: ChaCha8Rng,
    /// When all that was sent so far has left.
    busy_until: SimTime,
    stats: LinkStats,
}

impl Link {
    /// The link `from` -> `to`.
    pub fn new(seed: u64, from: IpAddr, to: IpAddr, params: LinkParams) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(fold(from)) << 32 | u64::from(fold(to)));
        Self { params: Timeline::new(params), rng, busy_until: SimTime::ZERO, stats: LinkStats::default() }
    }

    /// Changes the link from `at` on.
    pub fn set(&mut self, at: SimTime, params: LinkParams) {
        if params.rate != self.params.at(at).rate {
            // What waits behind a slow link must not wait on after it is healed.
            self.busy_until = self.busy_until.min(at);
        }
        self.params.set(at, params);
    }

    /// What the link is like at `t`.
    pub fn at(&self, t: SimTime) -> &LinkParams {
        self.params.at(t)
    }

    /// What happened so far.
    pub fn stats(&self) -> LinkStats {
        self.stats
    }

    /// When `len` bytes offered at `t` leave: all connections of the link share its bandwidth, first come, first served.
    pub fn departure(&mut self, t: SimTime, len: usize) -> Departure {
        let LinkParams { rate, duplicate, .. } = *self.params.at(t);
        let twice = self.chance(duplicate);
        self.stats.bytes += len as u64;
        self.stats.duplicated += u64::from(twice);
        let Some(rate) = rate else { return Departure { at: t, twice } };
        let bytes = len as u64 * (1 + u64::from(twice));
        let takes = Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / rate.max(1));
        self.stats.shaped += u64::from(takes > Duration::ZERO);
        self.busy_until = self.busy_until.max(t) + takes;
        Departure { at: self.busy_until, twice }
    }

    /// Sends one segment at `t`; `None` when it is lost.
    pub fn send(&mut self, t: SimTime) -> Option<Passage> {
        let LinkParams { latency, jitter, loss, reorder, cut, .. } = *self.params.at(t);
        self.stats.sent += 1;
        if cut {
            self.stats.lost_to_cut += 1;
            return None;
        }
        if self.chance(loss) {
            self.stats.lost_at_random += 1;
            return None;
        }
        let mut takes = latency;
        if !jitter.is_zero() {
            takes += jitter.mul_f64(self.rng.random());
        }
        let overtaken = self.chance(reorder);
        if overtaken {
            self.stats.reordered += 1;
            takes += latency + jitter;
        }
        self.stats.delivered += 1;
        Some(Passage { takes, overtaken })
    }

    /// A segment found no power at one of its ends, whatever the link is like.
    pub fn lose_to_silence(&mut self) {
        self.stats.sent += 1;
        self.stats.lost_to_cut += 1;
    }

    /// A segment found a queue full before it was tried.
    pub fn lose_to_queue(&mut self) {
        self.stats.sent += 1;
        self.stats.lost_to_queue += 1;
    }

    /// What counted as delivered was refused at the far end: no power there, or its queue is full.
    pub fn refused(&mut self, no_power: bool) {
        self.stats.delivered -= 1;
        *(if no_power { &mut self.stats.lost_to_cut } else { &mut self.stats.lost_to_queue }) += 1;
    }

    /// A draw only where there is something to decide.
    fn chance(&mut self, p: f64) -> bool {
        p > 0.0 && self.rng.random::<f64>() < p
    }
}

fn fold(ip: IpAddr) -> u32 {
    match ip {
        IpAddr::V4(ip) => ip.to_bits(),
        IpAddr::V6(ip) => {
            let bits = ip.to_bits();
            (bits ^ bits >> 32 ^ bits >> 64 ^ bits >> 96) as u32
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub const MS: Duration = Duration::from_millis(1);

    pub fn link(params: LinkParams) -> Link {
        Link::new(7, [10, 0, 0, 1].into(), [10, 0, 0, 2].into(), params)
    }

    #[test]
    fn loses_duplicates_and_reorders_its_share() {
        let mut link = link(LinkParams { loss: 0.1, duplicate: 0.2, reorder: 0.3, ..Default::default() });
        for i in 0..20_000 {
            link.departure(MS * i, 100);
            link.send(MS * i);
        }
        let LinkStats { sent, delivered, lost_at_random, duplicated, reordered, .. } = link.stats();
        assert_eq!((sent, delivered + lost_at_random), (20_000, 20_000));
        assert!((1_850..2_150).contains(&lost_at_random), "{lost_at_random}");
        assert!((3_800..4_200).contains(&duplicated), "{duplicated}");
        assert!((5_150..5_650).contains(&reordered), "{reordered}");
    }

    #[test]
    fn jitter_is_spread_over_its_range() {
        let mut link = link(LinkParams { latency: 10 * MS, jitter: 40 * MS, ..Default::default() });
        let mut takes: Vec<_> = (0..1_000).map(|i| link.send(MS * i).unwrap().takes).collect();
        takes.sort();
        assert!(takes[0] >= 10 * MS && takes[0] < 11 * MS, "{:?}", takes[0]);
        assert!(takes[500] > 28 * MS && takes[500] < 32 * MS, "{:?}", takes[500]);
        assert!(takes[999] > 49 * MS && takes[999] <= 50 * MS, "{:?}", takes[999]);
    }

    #[test]
    fn bandwidth_is_shared_and_forgotten_when_it_changes() {
        let mut link = link(LinkParams { rate: Some(20_000), ..Default::default() });
        assert_eq!(link.departure(SimTime::ZERO, 10_000).at, 500 * MS);
        assert_eq!(link.departure(100 * MS, 10_000).at, 1_000 * MS);
        assert_eq!(link.departure(3_000 * MS, 20_000).at, 4_000 * MS);
        assert_eq!(link.stats().shaped, 3);
        link.set(3_100 * MS, LinkParams::default());
        assert_eq!(link.departure(3_200 * MS, 20_000).at, 3_200 * MS);
    }

    #[test]
    fn a_cut_holds_between_its_times_only() {
        let mut link = link(LinkParams::default());
        link.set(10 * MS, LinkParams { cut: true, ..Default::default() });
        link.set(20 * MS, LinkParams::default());
        assert_eq!([9, 10, 19, 20].map(|t| link.send(MS * t).is_some()), [true, false, false, true]);
        assert_eq!(link.stats().lost_to_cut, 2);
    }

    #[test]
    fn links_draw_from_streams_of_their_own() {
        let params = LinkParams { loss: 0.5, ..Default::default() };
        let draws = |seed, from: [u8; 4], to: [u8; 4]| {
            let mut link = Link::new(seed, from.into(), to.into(), params.clone());
            (0..64).map(|i| link.send(MS * i).is_some()).collect::<Vec<_>>()
        };
        let (a, b) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        assert_eq!(draws(1, a, b), draws(1, a, b));
        assert_ne!(draws(1, a, b), draws(1, b, a));
        assert_ne!(draws(1, a, b), draws(2, a, b));
    }
}
