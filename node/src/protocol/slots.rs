//! Connection slots (Phase 2): some are reserved for whitelisted masternodes.

use super::mutant::{self, Mutant};

/// Whether one more peer may connect, given those connected.
pub(super) fn admits(whitelisted: bool, regulars: usize, all: usize, max: usize, reserved: usize) -> bool {
    let reserved = if mutant::is(Mutant::NoReservedSlots) { 0 } else { reserved };
    all < max && (whitelisted || regulars < max.saturating_sub(reserved))
}

#[cfg(test)]
mod tests {
    use super::admits;

    #[test]
    fn fifty_of_125_are_reserved() {
        let admits = |whitelisted, regulars, all| admits(whitelisted, regulars, all, 125, 50);
        assert!(admits(false, 74, 74));
        assert!(!admits(false, 75, 75), "the 76th regular peer");
        assert!(admits(true, 75, 124));
        assert!(!admits(true, 75, 125), "all taken");
        assert!(!admits(false, 60, 125), "whitelisted peers may take regular slots");
    }
}
