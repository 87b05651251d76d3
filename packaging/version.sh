#!/usr/bin/env bash
# version.sh [TAG]: prints the version if Cargo.toml, Cargo.lock, CHANGELOG.md and TAG agree on it, and fails otherwise.
#
# A tag is the version after the letter v. With a tag, CHANGELOG.md must have no section `Unreleased`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh

# The first version of file $1 that the extended regular expression $2 captures.
first_version() {
    local found
    found=$(sed -nE "s/$2/\1/p" "$1" | head -n 1)
    [[ -n $found ]] || die "$1 has no version"
    say "$found"
}

# The version of the package swp-keys in lock file $1.
locked_version() {
    local found
    found=$(sed -n '/^name = "swp-keys"$/{n;s/^version = "\(.*\)"$/\1/p;}' "$1")
    [[ -n $found ]] || die "$1 has no version of swp-keys"
    say "$found"
}

version=$(first_version Cargo.toml '^version = "(.*)"$')
heading=$(first_version CHANGELOG.md '^## ([0-9]+\.[0-9]+\.[0-9]+[^ ]*) - [0-9]{4}-[0-9]{2}-[0-9]{2}$')
[[ $heading == "$version" ]] || die "the newest release in CHANGELOG.md is $heading, but the version in Cargo.toml is $version"

for lock in Cargo.lock fuzz/Cargo.lock; do
    locked=$(locked_version "$lock")
    [[ $locked == "$version" ]] || die "the version in $lock is $locked, but the version in Cargo.toml is $version"
done

if (($# > 0)); then
    [[ $1 == "v$version" ]] || die "the tag is $1, but the version in Cargo.toml is $version"
    ! grep -q '^## Unreleased$' CHANGELOG.md || die "CHANGELOG.md has a section 'Unreleased'"
fi
say "$version"
