#!/usr/bin/env bash
# What people and CI run before a change lands.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
if cargo deny --version >/dev/null 2>&1; then
  cargo deny --config ci/deny.toml check bans licenses sources
else
  echo "cargo-deny is not installed: licences and sources are not checked"
fi
cargo test -p harness
cargo test -p node
cargo test -p agent
