//! The reference node's command.
fn main() {}
