#!/usr/bin/env bash
# Ten minutes of ten nodes as processes, with production and faults: descriptors and memory, printed.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo bench -p harness --bench soak
