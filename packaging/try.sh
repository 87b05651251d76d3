#!/bin/sh
# try.sh FILE VERSION [COMMAND...]: installs a package or an archive of the release, and creates a key with it on the simulated manager. Then
# runs COMMAND with the program in PATH.
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

[ $# -ge 2 ] || die "usage: try.sh FILE VERSION [COMMAND...]"
file=$1
version=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
install_file "$file"

# On Windows, the line ends with a carriage return.
found=$(swp-keys --version | tr -d '\r')
[ "$found" = "swp-keys $version" ] || die "the version of $file is '$found', not 'swp-keys $version'"

swp-keys sandbox -- swp-keys create --role Auditor --expires 1d >"$scratch/secret"
[ -s "$scratch/secret" ] || die "the created key has no secret"
[ $# -eq 0 ] || "$@"
printf '%s works\n' "$file"
