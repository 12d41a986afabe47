//! Which kinds of things a seed has at all. Half of them are off: a fault that is always there hides what others would show.
use super::dice::Dice;

/// Kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Cut,
    CutOneWay,
    Link,
    Pause,
    Kill,
    PowerLoss,
    Skew,
}

impl Kind {
    pub const ALL: [Self; 7] =
        [Self::Cut, Self::CutOneWay, Self::Link, Self::Pause, Self::Kill, Self::PowerLoss, Self::Skew];

    /// As scenario files name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::CutOneWay => "cut_one_way",
            Self::Link => "link",
            Self::Pause => "pause",
            Self::Kill => "kill",
            Self::PowerLoss => "power_loss",
            Self::Skew => "skew",
        }
    }
}

/// What is on.
pub struct Swarm {
    /// Kinds of faults, in order.
    pub kinds: Vec<Kind>,
    pub forks: bool,
    pub produces: bool,
    pub settings: bool,
    pub late_starts: bool,
    pub slow_disks: bool,
    pub whitelisted_liars: bool,
    pub regular_liars: bool,
    pub directions: bool,
}

impl Swarm {
    pub fn draw(dice: &mut Dice) -> Self {
        // Now and then nothing at all happens to the nodes: then only their states differ.
        let calm = dice.percent(5);
        let kinds = Kind::ALL.into_iter().filter(|_| dice.percent(50) && !calm).collect();
        let mut on = || dice.percent(50);
        Self {
            kinds,
            forks: on(),
            produces: on(),
            settings: on(),
            late_starts: on(),
            slow_disks: on(),
            whitelisted_liars: on(),
            regular_liars: on(),
            directions: on(),
        }
    }

    pub fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Whether somebody may be unheard for a while.
    pub fn silences(&self) -> bool {
        [Kind::Cut, Kind::CutOneWay, Kind::PowerLoss].iter().any(|kind| self.has(*kind))
    }

    /// Whether connections may end.
    pub fn closes(&self) -> bool {
        self.has(Kind::Kill) || self.has(Kind::PowerLoss)
    }
}
