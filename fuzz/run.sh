#!/usr/bin/env bash
# usage: fuzz/run.sh [SECONDS [TARGET...]]
#
# Runs each target for SECONDS (60 by default), two at a time, from its seeds and from what earlier runs found. Prints executions, speed
# and findings for each. A finding is a file in fuzz/artifacts/TARGET. Exits with 1 if there is one. Needs cargo-fuzz.
# No sanitizer by default, because it needs a nightly compiler and finds faults that safe Rust does not have. SANITIZER=address checks the
# unsafe code of the libraries.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

seconds=${1:-60}
shift || true
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(cargo fuzz list)
sanitizer=${SANITIZER:-none}
compiler=()
[[ $sanitizer == none ]] || compiler=(+nightly)

run() {
    local target=$1 log=artifacts/$1.log code=0
    local options=(-max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1)
    mkdir -p "corpus/$target" "artifacts/$target"
    [[ -f dictionaries/$target ]] && options+=(-dict="dictionaries/$target")
    # New inputs are written to the first folder.
    cargo "${compiler[@]}" fuzz run --sanitizer "$sanitizer" "$target" "corpus/$target" "seeds/$target" -- "${options[@]}" \
        >"$log" 2>&1 </dev/null || code=$?
    local executions found
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    found=$(grep -c 'Test unit written to' "$log" || true)
    # Without statistics, the run did not start.
    [[ -n $executions || $found != 0 ]] || found="not run: $(tail -n 1 "$log")"
    printf '%-14s %12s executions, %s/s, findings: %s\n' "$target" "${executions:-?}" \
        "$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")" "$found"
    ((code == 0)) || { grep -m 1 -A 1 'panicked at\|ERROR: libFuzzer' "$log" || tail -n 3 "$log"; } | sed 's/^/    /'
    return "$code"
}

cargo "${compiler[@]}" fuzz build --sanitizer "$sanitizer" >&2
mkdir -p artifacts
failed=0
running=()
for target in "${targets[@]}"; do
    while (($(jobs -pr | wc -l) >= 2)); do sleep 1; done
    run "$target" &
    running+=("$!")
done
for one in "${running[@]}"; do wait "$one" || failed=1; done
exit "$failed"
