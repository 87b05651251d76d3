#!/usr/bin/env bash
# checksums.sh [FOLDER]: writes the SHA-256 checksums of the files in FOLDER (dist) to FOLDER/SHA256SUMS.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cd "${1:-dist}"

# The list is complete before its file exists, so it does not contain itself.
rm -f SHA256SUMS
sums=$(find . -maxdepth 1 -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum --)
printf '%s\n' "$sums" >SHA256SUMS
