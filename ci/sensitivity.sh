#!/usr/bin/env bash
# Every deliberate defect of the reference node against every case of the catalogue, in virtual time; writes fixtures/sensitivity.md.
set -euo pipefail
cd "$(dirname "$0")/.."
LOCKSTEP_MATRIX="$PWD/fixtures/sensitivity.md" cargo test --release -q -p harness --test certify
cat fixtures/sensitivity.md
