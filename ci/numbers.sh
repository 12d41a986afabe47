#!/usr/bin/env bash
# What simulations and the packet link cost on this machine: figures and ratios, printed, never a test.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo bench -p harness --bench numbers
cargo bench -p harness --bench replay
cargo bench -p harness --bench packet_link
cargo bench -p harness --bench containers
cargo bench -p harness --bench sync
cargo bench -p harness --bench queue
cargo bench -p node --bench store
start=$(date +%s.%N)
cargo run --release -q -p harness -- run --out "$(mktemp -d)" | tail -n 1
printf 'all scenarios: %.1f s (goal 60)\n' "$(echo "$(date +%s.%N) - $start" | bc)"
