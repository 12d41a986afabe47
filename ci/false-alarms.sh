#!/usr/bin/env bash
# The reference node under the whole catalogue with many seeds of jittered ticks, links and starts: every trial must pass.
# SEEDS: default 200; `41-80` is a part of them, so that several machines can share.
set -euo pipefail
cd "$(dirname "$0")/.."
LOCKSTEP_SEEDS="${SEEDS:-200}" cargo test --release -p harness --test certify -- --skip mutant --skip "the table"
