#!/usr/bin/env bash
# reproducible.sh [TARGET]: builds the last commit twice, in two folders with two cargo homes, and fails if a byte of the results differs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=packaging/lib.sh
source packaging/lib.sh

target=${1:-$(default_target)}
export_source_date
make_scratch

# Builds in folder $1 of the scratch folder, with the cargo home $2.
build() {
    local folder=$scratch/$1
    mkdir -p "$folder"
    git archive HEAD | tar -x -C "$folder"
    CARGO_HOME=$2 CARGO_TARGET_DIR=$folder/target bash "$folder/packaging/build.sh" "$target"
    bash "$folder/packaging/archive.sh" "$target"
    CARGO_HOME=$2 bash "$folder/packaging/sbom.sh"
    rm -rf "$folder/target"
    (cd "$folder" && bash packaging/checksums.sh && find "dist/$target" -type f -exec sha256sum {} + | LC_ALL=C sort -k 2) >"$scratch/$1.sums"
    cat "$folder/dist/SHA256SUMS" >>"$scratch/$1.sums"
}

build one "$cargo_home"
build a/longer/second "$scratch/cargo"
diff "$scratch/one.sums" "$scratch/a/longer/second.sums" || die "the two builds differ"
cat "$scratch/one.sums"
say "the two builds are the same"
