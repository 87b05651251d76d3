#!/usr/bin/env bash
# checksums.sh [FOLDER]: writes the SHA-256 checksums of the files in FOLDER (dist) to FOLDER/SHA256SUMS.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cd "${1:-dist}"

rm -f SHA256SUMS
find . -maxdepth 1 -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum -- >SHA256SUMS.new
mv SHA256SUMS.new SHA256SUMS
