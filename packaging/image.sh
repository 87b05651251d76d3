#!/usr/bin/env bash
# image.sh ARCHIVES FOLDER: prepares the files of the container image in FOLDER, from the archives with static binaries in ARCHIVES.
#
# The image is then built with: docker buildx build --file packaging/Containerfile FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh

(($# == 2)) || die "usage: image.sh ARCHIVES FOLDER"
archives=$1 folder=$2
roots=${SWP_KEYS_IMAGE_ROOTS:-/etc/ssl/certs/ca-certificates.crt}
version=$(bash packaging/version.sh)

# Puts the binary for Rust target $2 into the files for container platform $1.
add_binary() {
    local name=swp-keys-$version-$2
    mkdir -p "$folder/$1/usr/bin"
    tar -xzf "$archives/$name.tar.gz" -O "$name/swp-keys" >"$folder/$1/usr/bin/swp-keys"
    chmod 755 "$folder/$1/usr/bin/swp-keys"
}

[[ -s $roots ]] || die "the root certificates do not exist: $roots (Debian's package is ca-certificates)"
umask 022
rm -rf "$folder"
mkdir -p "$folder/common/etc/ssl/certs" "$folder/common/tmp"
# A named volume at this path gets the owner and the mode of the folder.
mkdir -p "$folder/home/swp-keys/.local/state/swp-keys"
add_binary amd64 x86_64-unknown-linux-musl
add_binary arm64 aarch64-unknown-linux-musl
install -m 644 "$roots" "$folder/common/etc/ssl/certs/ca-certificates.crt"
say "swp-keys:x:65532:65532::/home/swp-keys:/sbin/nologin" >"$folder/common/etc/passwd"
say "swp-keys:x:65532:" >"$folder/common/etc/group"
chmod 1777 "$folder/common/tmp"
chmod -R 700 "$folder/home/swp-keys"
