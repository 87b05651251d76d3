#!/usr/bin/env bash
# sbom.sh: writes the software bill of materials of all targets to dist/swp-keys-VERSION.cdx.json, in the format CycloneDX.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh
# shellcheck source=packaging/lib.sh
source packaging/lib.sh

export_source_date
need_cargo_tool cargo-cyclonedx "$cargo_cyclonedx_version"
version=$(version)
sbom=$dist/swp-keys-$version.cdx.json

# The tool writes beside Cargo.toml, and a name must not replace a file there.
made=swp-keys-sbom
trap 'rm -f "$made.json"' EXIT
cargo cyclonedx --quiet --format json --spec-version 1.5 --target all --override-filename "$made"
mkdir -p "$dist"
python3 packaging/sbom.py "$made.json" "$version" "$sbom"
bash packaging/paths.sh "$sbom"
