//! What goes on right now: lines on the standard error that are written over, where somebody watches a terminal.
use std::fmt::Write;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::look::is_live;
use super::plain;

/// Times a second that it is drawn.
const DRAWN: u8 = 5;

/// See the module.
#[derive(Debug)]
pub struct Live {
    lines: MultiProgress,
    whole: ProgressBar,
}

/// A run that goes on; it is shown until this is dropped.
#[derive(Debug)]
pub struct Running(ProgressBar);

impl Live {
    /// Of so many runs.
    pub fn new(total: usize) -> Self {
        Self::on(
            if is_live() { ProgressDrawTarget::stderr_with_hz(DRAWN) } else { ProgressDrawTarget::hidden() },
            total,
        )
    }

    fn on(target: ProgressDrawTarget, total: usize) -> Self {
        let lines = MultiProgress::with_draw_target(target);
        let whole =
            lines.add(ProgressBar::new(total as u64).with_style(style("{pos} of {len} in {elapsed}{wide_msg}")));
        whole.enable_steady_tick(Duration::from_secs(1));
        Self { lines, whole }
    }

    /// Whether anything is shown.
    pub fn is_shown(&self) -> bool {
        !self.lines.is_hidden()
    }

    /// A run begins that lasts so long in its own time.
    pub fn begin(&self, name: &str, lasts: Duration) -> Running {
        let style = style("  {wide_msg} {at:>8} of {whole:>8} {speed:>8}")
            .with_key("at", |state: &ProgressState, to: &mut dyn Write| put(to, &clock(state.pos())))
            .with_key("whole", |state: &ProgressState, to: &mut dyn Write| put(to, &clock(state.len().unwrap_or(0))))
            .with_key("speed", |state: &ProgressState, to: &mut dyn Write| {
                put(to, &speed(state.pos(), state.elapsed()))
            });
        let lasts = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
        let run = ProgressBar::new(lasts).with_style(style).with_message(plain(name));
        Running(self.lines.insert_before(&self.whole, run))
    }

    /// One of them has ended.
    pub fn ended(&self) {
        self.whole.inc(1);
    }

    /// So many have ended.
    pub fn done(&self, runs: u64) {
        self.whole.set_position(runs);
    }

    /// A word beside the count.
    pub fn say(&self, words: &str) {
        self.whole.set_message(format!("  {}", plain(words)));
    }

    /// Nothing is shown any more.
    pub fn end(&self) {
        self.whole.finish_and_clear();
    }

    /// Makes room for what is printed meanwhile.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.lines.suspend(print)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.end();
    }
}

impl Running {
    /// It has come so far in its own time.
    pub fn at(&self, now: Duration) {
        self.0.set_position(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A template that is known to be one.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// What can't be shown is no reason to end.
fn put(to: &mut dyn Write, text: &str) {
    let _ = to.write_str(text);
}

/// Milliseconds as `12:05` or `1:12:05`.
fn clock(ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// How many times as fast as real time.
fn speed(ms: u64, took: Duration) -> String {
    let times = ms as f64 / 1e3 / took.as_secs_f64().max(0.001);
    if ms == 0 { String::new() } else { format!("{times:.0}x") }
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;

    #[test]
    fn a_run_is_shown_with_its_own_time_until_it_ends() {
        let screen = InMemoryTerm::new(10, 60);
        let live = Live::on(ProgressDrawTarget::term_like_with_hz(Box::new(screen.clone()), u8::MAX), 12);
        let run = live.begin(&format!("phase-3/{} seed 1", "long-".repeat(20)), Duration::from_secs(4_000));
        run.at(Duration::from_secs(3_725));
        live.say("1 fail");
        run.0.tick();
        let shown = screen.contents();
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].starts_with("  phase-3/long-") && lines[0].contains("1:02:05 of  1:06:40"), "{shown}");
        assert!(lines[1].starts_with("0 of 12 in ") && lines[1].ends_with("  1 fail"), "{shown}");
        assert!(lines.iter().all(|line| line.chars().count() <= 60), "{shown}");
        drop(run);
        live.ended();
        live.say("1 fail");
        let shown = screen.contents();
        assert!(shown.starts_with("1 of 12 in "), "{shown}");
        let printed = live.aside(|| screen.contents());
        assert_eq!(printed, "", "nothing is in the way");
        drop(live);
        assert_eq!(screen.contents(), "");
    }

    #[test]
    fn speed_is_told_once_there_is_any() {
        assert_eq!(speed(0, Duration::from_secs(1)), "");
        assert_eq!(speed(600_000, Duration::from_secs(2)), "300x");
    }
}
