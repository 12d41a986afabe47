//! The timeline before and after the draw: who is a minority is known only with a seed.
/// One step before the draw.
#[derive(Debug, Clone)]
pub(super) struct Drawn;
