#!/usr/bin/env bash
# Licences, sources and banned crates, by deny.toml; and the known vulnerabilities, where their database can be had.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

need_cargo_deny
"$cargo_deny" check bans licenses sources

# The RustSec database is a git repository and in no package registry, so a machine that reaches only the registries cannot
# have it. Fetching is apart from checking: a database that cannot be had is left out and said, a finding always fails. The
# workflow sets the variable, so that at least one place never leaves it out.
if fetched=$(timeout 120 "$cargo_deny" fetch db 2>&1); then
    "$cargo_deny" check advisories
elif [[ ${SWP_KEYS_CI_REQUIRE_ADVISORIES:-} == 1 ]]; then
    die "the RustSec database could not be fetched, and here it must be: $fetched"
else
    say "advisories: left out, the RustSec database could not be fetched"
fi
