#!/usr/bin/env bash
# floor.sh FILE VERSION: fails if a program needs a newer glibc than VERSION, or a library that is not part of glibc.
#
# Prints the libraries and the versions of symbols that the program needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh

# The libraries that file $1 needs.
libraries() { LC_ALL=C readelf --dynamic --wide "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p'; }

# The versions of symbols that file $1 needs.
symbol_versions() { LC_ALL=C readelf --version-info --wide "$1" | sed -n 's/.* Name: \([^ ]*\) *Flags:.*/\1/p' | sort -uV; }

# The later one of two versions.
later() { printf '%s\n' "$1" "$2" | sort -V | tail -n 1; }

(($# == 2)) || die "usage: packaging/floor.sh FILE VERSION"
file=$1
floor=$2
[[ $floor =~ ^[0-9]+(\.[0-9]+)+$ ]] || die "$floor is not a version of glibc"
[[ -f $file ]] || die "$file does not exist"
readelf --file-header "$file" >/dev/null 2>&1 || die "$file is not an ELF file"

needed=$(libraries "$file")
versions=$(symbol_versions "$file")
say "$file needs the libraries" "$needed" "and the versions of symbols" "$versions"
[[ -n $versions ]] || die "$file needs no version of a symbol, so it is not a program for glibc"

failed=0
for library in $needed; do
    case $library in
    libc.so.6 | libm.so.6 | libpthread.so.0 | libdl.so.2 | librt.so.1 | ld-linux*.so.*) ;;
    *)
        say "not part of glibc: $library"
        failed=1
        ;;
    esac
done
for needs in $versions; do
    # Names without a number, such as GLIBC_ABI_DT_RELR, came after 2.17. Libraries other than glibc have names of their own.
    if [[ ! $needs =~ ^GLIBC_[0-9.]+$ ]]; then
        say "not a version of glibc up to $floor: $needs"
        failed=1
    elif [[ $(later "$floor" "${needs#GLIBC_}") != "$floor" ]]; then
        say "newer than GLIBC_$floor: $needs"
        failed=1
    fi
done
((failed == 0)) || die "$file does not start on every machine with glibc $floor"
say "$file needs nothing newer than glibc $floor"
