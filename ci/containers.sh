#!/usr/bin/env bash
# The harness is killed 20 times at random moments of a run in containers: nothing of ours may be left, on the engine or on the machine.
# KILLS says otherwise how often.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release -q -p harness
lockstep=target/release/lockstep
"$lockstep" image build
left() {
  docker ps --all --quiet --filter label=org.lockstep.owner
  docker volume ls --quiet --filter label=org.lockstep.owner
  docker network ls --quiet --filter label=org.lockstep.owner
  pgrep --full 'lockstep-agent /run|lockstep clean --when|^/masternode run' || true
}
for kill in $(seq "${KILLS:-20}"); do
  "$lockstep" run --backend container --time-scale 10 --filter phase-3/01-behind-by-100 --out "$(mktemp -d)" >/dev/null 2>&1 &
  run=$!
  millis=$((RANDOM % 6000))
  sleep "$(printf '%d.%03d' $((millis / 1000)) $((millis % 1000)))"
  kill -KILL "$run" 2>/dev/null || true
  wait "$run" 2>/dev/null || true
  for _ in $(seq 60); do
    rest=$(left)
    [ -z "$rest" ] && break
    sleep 0.5
  done
  if [ -n "$rest" ]; then
    printf 'kill %d, after %d ms, left:\n%s\n' "$kill" "$millis" "$rest"
    exit 1
  fi
  printf 'kill %d, after %d ms: nothing left\n' "$kill" "$millis"
done
