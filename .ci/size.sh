#!/usr/bin/env bash
# Fails if the release build, or the program of the packages, is larger than its limit. Both contain the sandbox.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=packaging/lib.sh
source packaging/lib.sh

# check FILE LIMIT
check() {
    local bytes
    bytes=$(wc -c <"$1")
    say "$1 has $bytes bytes"
    ((bytes <= $2)) || die "$1 may have $2 bytes at most"
}

need_binary
check "$swp_keys" 5700000
check "$dist/$(default_target)/swp-keys" 5000000
