#!/usr/bin/env bash
# Checks that errors of the release build have the same exit code and text with RUST_BACKTRACE as without.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh

if [[ ${1:-} != inside ]]; then
    need_binary
    forget_settings
    exec "$swp_keys" sandbox -- bash .ci/backtraces.sh inside
fi

make_scratch
printf '[{"ID": 0}]' >"$scratch/roles.json"
printf 'no certificate' >"$scratch/ca.pem"
listen=${SWP_URL#https://}

failed=0
# check EXIT-CODE ARGUMENTS...
check() {
    local expected=$1 code setting
    shift
    code=0
    env -u RUST_BACKTRACE -u RUST_LIB_BACKTRACE "$swp_keys" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || code=$?
    [[ $code == "$expected" ]] || die "$* exited with $code instead of $expected: $(<"$scratch/err")"
    for setting in RUST_BACKTRACE=1 RUST_BACKTRACE=full RUST_LIB_BACKTRACE=1; do
        code=0
        env "$setting" "$swp_keys" "$@" >"$scratch/out.set" 2>"$scratch/err.set" </dev/null || code=$?
        if [[ $code != "$expected" ]] || ! cmp -s "$scratch/out" "$scratch/out.set" || ! cmp -s "$scratch/err" "$scratch/err.set"; then
            say "$setting: $* exited with $code instead of $expected, or with another text: $(<"$scratch/err.set")"
            failed=1
        fi
    done
}

check 2 sandbox --listen "$listen"
check 2 sandbox --roles "$scratch/roles.json"
check 2 list-roles --ca-cert "$scratch/ca.pem"
check 2 list-roles --password-file "$scratch/missing"
check 3 find-role missing
check 3 show-key missing
check 7 list-roles --tls-pin "sha256:$(printf '0a%.0s' {1..32})"
check 8 list-roles --url https://127.0.0.1:1
((failed == 0)) || die "an error differs with a backtrace setting"
say "errors are the same with RUST_BACKTRACE and RUST_LIB_BACKTRACE"
