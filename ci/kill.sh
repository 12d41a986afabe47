#!/usr/bin/env bash
# A node that writes its chain is killed 500 times at random moments: the chain must be whole each time. KILLS says otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
KILLS="${KILLS:-500}" cargo test -p node --test disk -- --exact --nocapture kill::a_killed_node_has_the_old_chain_or_the_new_one
