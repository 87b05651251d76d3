#!/bin/sh
# try.sh FILE VERSION: installs a package or an archive of the release, and creates a key with it on the simulated manager.
#
# The release workflow runs this in containers without a network and on its runners, so it needs only a POSIX shell.
set -eu

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Unpacks archive $1 and puts its folder in PATH.
unpack() {
    case $1 in
    *.zip) unzip -q "$1" -d "$scratch" ;;
    *) tar -xzf "$1" -C "$scratch" ;;
    esac
    PATH=$(echo "$scratch"/swp-keys-*):$PATH
}

install_file() {
    case $1 in
    *.deb) dpkg --install "$1" ;;
    *.rpm) rpm --install "$1" ;;
    *.tar.gz | *.zip) unpack "$1" ;;
    *) die "unknown kind of package: $1" ;;
    esac
}

[ $# -eq 2 ] || die "usage: try.sh FILE VERSION"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
install_file "$1"

# On Windows, the line ends with a carriage return.
found=$(swp-keys --version | tr -d '\r')
[ "$found" = "swp-keys $2" ] || die "the version of $1 is '$found', not 'swp-keys $2'"

swp-keys sandbox -- swp-keys create --role Auditor --expires 1d >"$scratch/secret"
[ -s "$scratch/secret" ] || die "the created key has no secret"
printf '%s works\n' "$1"
