#!/usr/bin/env bash
# paths.sh FILE...: fails if a file contains a path of this machine: of the sources, of cargo, of the compiler, or of the user.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=packaging/lib.sh
source packaging/lib.sh

# The options of grep for paths of this machine. A separator follows each folder, so that /root does not match /rootless.
private_paths=()
for folder in "$(native_path "$repository")" "$(native_path "$cargo_home")" "$(rustc --print sysroot)" "$(native_path "$HOME")"; do
    private_paths+=(-e "$folder/" -e "$folder\\" -e "${folder//\\//}/")
done

(($# > 0)) || die "usage: packaging/paths.sh FILE..."
found=0
for file in "$@"; do
    [[ -s $file ]] || die "$file does not exist or is empty"
    code=0
    matches=$(LC_ALL=C grep -aoF "${private_paths[@]}" "$file") || code=$?
    ((code <= 1)) || die "could not search $file"
    if [[ -n $matches ]]; then
        say "$file contains a path of this machine:" "$(sort -u <<<"$matches")"
        found=1
    fi
done
((found == 0)) || die "the release would show how this machine is set up"
say "no path of this machine in $*"
