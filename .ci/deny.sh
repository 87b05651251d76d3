#!/usr/bin/env bash
# Checks licences, sources and banned crates with deny.toml, and known vulnerabilities if their database can be fetched.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

need_cargo_deny
"$cargo_deny" check bans licenses sources

# The RustSec database is a git repository, so a machine that reaches only package registries cannot fetch it. Then the check is skipped
# with a message. A finding always fails. The workflow sets the variable, so the check is never skipped there.
if fetched=$(timeout 120 "$cargo_deny" fetch db 2>&1); then
    "$cargo_deny" check advisories
elif [[ ${SWP_KEYS_CI_REQUIRE_ADVISORIES:-} == 1 ]]; then
    die "could not fetch the RustSec database: $fetched"
else
    say "advisories: skipped, because the RustSec database could not be fetched"
fi
