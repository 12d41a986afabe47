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
# One command: each of its own would build what they share with other features, once more.
cargo test -p harness -p node -p agent
