#!/usr/bin/env bash
# release.sh REPOSITORY: completes a release from the archives and packages in dist/release.
#
# dist/release gets the SBOM and SHA256SUMS. dist/manifests gets the release notes and the manifests for package managers. REPOSITORY is the
# address of the repository, such as https://github.com/OWNER/NAME.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh

(($# == 1)) || die "usage: release.sh REPOSITORY"
bash packaging/sbom.sh
mv dist/*.cdx.json dist/release/
bash packaging/checksums.sh dist/release
mkdir -p dist/manifests
bash packaging/notes.sh >dist/manifests/notes.md
python3 packaging/manifests.py "$1" dist/release/SHA256SUMS dist/manifests
