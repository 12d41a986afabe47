#!/usr/bin/env bash
# A campaign, and what keeps it honest: SEEDS (default 100,000) are played, every mark must be reached, both simulators agree on 200 seeds, and each
# defect of the conformance suite is looked for in DEFECT_SEEDS (default 2,000): a table says after how many seeds it was found.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release -q -p harness
lockstep=target/release/lockstep
out=${1:-$(mktemp -d)}
mkdir -p "$out"
status=0
"$lockstep" explore --seeds "${SEEDS:-100000}" --all-marks --results "$out/campaign.jsonl" --resume --out "$out/failures" || status=$?
LOCKSTEP_SEEDS=200 cargo test --release -q -p harness --test it explore::both_simulators || status=1
printf '%-28s %s\n' defect 'found after'
for defect in $("$lockstep" explore --seeds 1 --mutant none 2>&1 | grep -oE '\b[a-z]+(_[a-z]+)+\b' | sort -u); do
  "$lockstep" explore --seeds "${DEFECT_SEEDS:-2000}" --mutant "$defect" --until-failure --json --out "$out/defects" >"$out/$defect.json" 2>/dev/null || true
  seed=$(grep -m1 -oE '"seed": [0-9]+' "$out/$defect.json" | grep -oE '[0-9]+' || true)
  check=$(grep -m1 -oE '"check": "[^"]*"' "$out/$defect.json" || true)
  printf '%-28s %s\n' "$defect" "${seed:-not found} $check"
done
echo "results: $out"
exit "$status"
