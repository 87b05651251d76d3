#!/usr/bin/env bash
# Prints the section of CHANGELOG.md about the version of Cargo.toml, without its heading.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh

version=$(bash packaging/version.sh)
notes=$(awk -v heading="## $version - " 'index($0, "## ") == 1 { inside = index($0, heading) == 1; next } inside' CHANGELOG.md | sed '/./,$!d')
[[ -n $notes ]] || die "CHANGELOG.md has nothing about version $version"
say "$notes"
