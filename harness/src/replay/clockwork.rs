//! How the time of an incident and the time of a run of it go together.

/// Knots of (incident, run), each in microseconds since its beginning, and straight lines between; beyond the first and the last both
/// clocks go alike. Without knots they always do. Where there are knots, the first and the last bound what is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clockwork {
    knots: Vec<(i64, i64)>,
}

impl Clockwork {
    /// Knots in any order. A run's time never goes back: a knot that says so is raised to the one before.
    pub fn new(knots: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let mut knots: Vec<(i64, i64)> = knots.into_iter().collect();
        knots.sort_unstable();
        knots.dedup_by_key(|(incident, _)| *incident);
        let mut latest = i64::MIN;
        for (_, run) in &mut knots {
            latest = latest.max(*run);
            *run = latest;
        }
        Self { knots }
    }

    /// The run's time for one of the incident's.
    pub fn to_run(&self, at: i64) -> i64 {
        self.map(at, |knot| knot.0, |knot| knot.1)
    }

    /// The incident's time for one of the run's; the latest where several are one instant of the run.
    pub fn to_incident(&self, at: i64) -> i64 {
        self.map(at, |knot| knot.1, |knot| knot.0)
    }

    /// Times of the incident from the first knot to the last: what the run is to show.
    pub fn span(&self) -> (i64, i64) {
        match (self.knots.first(), self.knots.last()) {
            (Some(first), Some(last)) => (first.0, last.0),
            _ => (i64::MIN, i64::MAX),
        }
    }

    /// How often the run is to tell what the incident told `count` times (1 or more) between `first` and `last`: fewer where
    /// that time is squeezed or lies outside of the span, 0 where nothing of it is inside.
    pub fn expected(&self, count: u64, first: i64, last: i64) -> f64 {
        let (from, until) = (first.max(self.span().0), last.min(self.span().1));
        if from > until {
            return 0.0;
        }
        let whole = last.saturating_sub(first);
        let share = match whole {
            0 => 1.0,
            whole => self.to_run(until).saturating_sub(self.to_run(from)) as f64 / whole as f64,
        };
        1.0 + count.saturating_sub(1) as f64 * share
    }

    fn map(&self, at: i64, from: fn(&(i64, i64)) -> i64, to: fn(&(i64, i64)) -> i64) -> i64 {
        let next = self.knots.partition_point(|knot| from(knot) <= at);
        let before = next.checked_sub(1).and_then(|index| self.knots.get(index));
        match (before, self.knots.get(next)) {
            (Some(a), Some(b)) => {
                let (width, done) = (i128::from(from(b)) - i128::from(from(a)), i128::from(at) - i128::from(from(a)));
                let run = i128::from(to(a)) + (i128::from(to(b)) - i128::from(to(a))) * done / width;
                i64::try_from(run).unwrap_or(to(b))
            }
            (Some(knot), None) | (None, Some(knot)) => to(knot).saturating_add(at.saturating_sub(from(knot))),
            (None, None) => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_knots_both_clocks_go_alike() {
        let alike = Clockwork::default();
        assert_eq!([alike.to_run(-5), alike.to_run(7), alike.to_incident(7)], [-5, 7, 7]);
        assert_eq!(alike.expected(40, 0, 100), 40.0);
    }

    #[test]
    fn an_idle_hour_is_squeezed() {
        let squeezed = Clockwork::new([(3700, 200), (100, 0), (200, 100)]);
        assert_eq!(
            [50, 100, 150, 200, 1950, 3700, 3800].map(|at| squeezed.to_run(at)),
            [-50, 0, 50, 100, 150, 200, 300]
        );
        assert_eq!([0, 150, 200].map(|at| squeezed.to_incident(at)), [100, 1950, 3700]);
        assert_eq!(squeezed.span(), (100, 3700));
    }

    #[test]
    fn a_run_never_goes_back_and_an_instant_has_its_latest_time() {
        let cut = Clockwork::new([(0, 0), (100, 100), (500, 40), (600, 200)]);
        assert_eq!([100, 300, 500, 550].map(|at| cut.to_run(at)), [100, 100, 100, 150]);
        assert_eq!(cut.to_incident(100), 500);
    }

    #[test]
    fn repetitions_are_expected_for_the_time_that_is_run() {
        let half = Clockwork::new([(0, 0), (1000, 500)]);
        assert_eq!(half.expected(101, 0, 1000), 51.0);
        assert_eq!(half.expected(201, 0, 2000), 51.0, "half of it lies behind the last knot");
        assert_eq!(half.expected(9, 2000, 3000), 0.0);
        assert_eq!(half.expected(3, 1000, 1000), 3.0);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let wild = Clockwork::new([(i64::MIN, i64::MIN), (i64::MAX, i64::MAX)]);
        assert_eq!([i64::MIN, 0, i64::MAX].map(|at| wild.to_run(at)), [i64::MIN, 0, i64::MAX]);
        assert!(wild.expected(u64::MAX, i64::MIN, i64::MAX) > 0.0);
    }
}
