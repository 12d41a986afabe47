#!/usr/bin/env bash
# Every deliberate defect of the reference node against every case of the catalogue, in virtual time; writes fixtures/sensitivity.md.
# Then each against the cases of its own requirement, and the node without one against all, with the node's timers at other phases.
set -euo pipefail
cd "$(dirname "$0")/.."
LOCKSTEP_MATRIX="$PWD/fixtures/sensitivity.md" cargo test --release -q -p harness --test certify
cat fixtures/sensitivity.md
for setup in 156 160 165 170 174 179; do
    LOCKSTEP_SETUP=$setup cargo test --release -q -p harness --test certify
done
