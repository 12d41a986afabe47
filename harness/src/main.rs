//! The `lockstep` command.
fn main() -> harness::cli::Exit {
    harness::cli::main()
}
