# What .ci/run and the checks share. Sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the scripts that source this file use the variables

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# The vendor's document. It is not ours to copy, so it lies beside the repository; a plain clone does not have it.
shared=$repository/../shared
contract=$shared/manager-openapi.json
swp_keys=${CARGO_TARGET_DIR:-$repository/target}/release/swp-keys

# Everything here talks to this machine alone; a proxy in the environment would sit between.
export NO_PROXY=127.0.0.1,localhost,::1
export no_proxy=$NO_PROXY

say() { printf '%s\n' "$@"; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# A folder that is gone when the script ends, whichever way it ends.
make_scratch() {
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
}

# The settings and secrets of whoever runs this have no part in a check.
forget_settings() {
    local name
    for name in "${!SWP_@}"; do unset "$name"; done
}

need_binary() {
    [[ -x $swp_keys ]] || die "$swp_keys is not there: cargo build --release"
}

need_contract() {
    [[ -f $contract ]] || die "the vendor's document is not there: $contract"
}
