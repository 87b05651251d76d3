#!/usr/bin/env bash
# release.sh REPOSITORY: packs the binaries in dist/TARGET/ and writes everything that a release contains.
#
# dist/release gets the archives, the Debian and RPM packages, the SBOM and SHA256SUMS. dist/manifests gets the release notes and the
# manifests for package managers. REPOSITORY is the address of the repository, such as https://github.com/OWNER/NAME.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh

targets=(
    x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu
    x86_64-unknown-linux-musl aarch64-unknown-linux-musl
    universal-apple-darwin
    x86_64-pc-windows-msvc aarch64-pc-windows-msvc
)

# An artifact of a workflow does not keep the modes of its files.
restore_modes() {
    local target
    for target in "${targets[@]}"; do
        chmod 755 dist/"$target"/swp-keys*
    done
}

(($# == 1)) || die "usage: release.sh REPOSITORY"
restore_modes
for target in "${targets[@]}"; do
    bash packaging/archive.sh "$target"
done
for target in x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu; do
    bash packaging/deb.sh "$target"
    bash packaging/rpm.sh "$target"
done
bash packaging/sbom.sh

mkdir -p dist/release dist/manifests
find dist -maxdepth 1 -type f -exec mv -t dist/release {} +
(cd dist/release && LC_ALL=C sha256sum -- * >SHA256SUMS)
bash packaging/notes.sh >dist/manifests/notes.md
python3 packaging/manifests.py "$1" dist/release/SHA256SUMS dist/manifests
