# Functions that .ci/run and the checks share. Sourced, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the scripts that source this file use the variables

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# The vendor's document is not part of the repository.
shared=$repository/../shared
contract=$shared/manager-openapi.json
swp_keys=${CARGO_TARGET_DIR:-$repository/target}/release/swp-keys

# Every request goes to this machine, so a proxy in the environment must not be used.
export NO_PROXY=127.0.0.1,localhost,::1
export no_proxy=$NO_PROXY

say() { printf '%s\n' "$@"; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Makes a folder that is removed when the script ends.
make_scratch() {
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
}

# Settings and secrets of the user must not affect a check.
forget_settings() {
    local name
    for name in "${!SWP_@}"; do unset "$name"; done
}

need_binary() {
    [[ -x $swp_keys ]] || die "$swp_keys does not exist: run cargo build --release"
}

need_contract() {
    [[ -f $contract ]] || die "the vendor's document does not exist: $contract"
}
