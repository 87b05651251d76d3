#!/usr/bin/env bash
# deb.sh [TARGET]: packs the build in dist/TARGET/ as dist/swp-keys_VERSION-1_ARCHITECTURE.deb.
#
# Two runs with the same SOURCE_DATE_EPOCH, which is the time of the last commit unless it is set, write the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh
# shellcheck source=packaging/lib.sh
source packaging/lib.sh
# shellcheck source=packaging/stage.sh
source packaging/stage.sh

target=${1:-$(default_target)}
export_source_date
need_cargo_tool cargo-deb "$cargo_deb_version"
stage_files "$target"
cargo-deb --quiet --no-build --no-strip --no-dbgsym --locked --target "$target" --output dist/
