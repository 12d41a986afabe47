#!/usr/bin/env bash
# A campaign, and what keeps it honest: SEEDS (default 100,000) are played, every mark must be reached, both simulators agree on 200 seeds, and each
# defect of the conformance suite is looked for in DEFECT_SEEDS (default 2,000): a table says after how many seeds it was found,
# by which check, and how small its scenario became.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release -q -p harness
lockstep=target/release/lockstep
out=${1:-$(mktemp -d)}
mkdir -p "$out"
status=0
"$lockstep" explore --seeds "${SEEDS:-100000}" --all-marks --results "$out/campaign.jsonl" --resume --out "$out/failures" || status=$?
LOCKSTEP_SEEDS=200 cargo test --release -q -p harness --test it explore::both_simulators || status=1
export lockstep out
look_for() {
  local code=0
  "$lockstep" explore --seeds "${DEFECT_SEEDS:-2000}" --jobs 1 --mutant "$1" --until-failure --json --out "$out/defects/$1" \
    >"$out/$1.json" 2>"$out/$1.txt" || code=$?
  echo "$code" >"$out/$1.code"
}
export -f look_for
defects=$("$lockstep" explore --seeds 1 --mutant none 2>&1 | grep -oE '\b[a-z]+(_[a-z]+)+\b' | sort -u)
xargs -P "$(nproc)" -I{} bash -c 'look_for {}' <<<"$defects"
echo '| defect | found by seed | by | its scenario |'
echo '|---|---|---|---|'
for defect in $defects; do
  seed=$(grep -m1 -oE '"seed": [0-9]+' "$out/$defect.json" | grep -oE '[0-9]+' || true)
  check=$(grep -m1 -oE '"check": "[^"]*"' "$out/$defect.json" | cut -d'"' -f4 || true)
  small=$(sed -n 's/^  after    //p' "$out/$defect.txt" | head -n 1)
  # One that was cut off has not been looked for.
  [ "$(<"$out/$defect.code")" -le 2 ] && never=never || never='no result'
  echo "| \`$defect\` | ${seed:-$never} | $check | $small |"
done
echo "results: $out"
exit "$status"
