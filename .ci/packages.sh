#!/usr/bin/env bash
# Packs the build in dist/ as a package: twice with the same bytes, and with every file.
#
#   bash .ci/packages.sh deb   also checks the man pages, runs lintian, and installs the package in a fresh Debian system
#   bash .ci/packages.sh rpm
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh
# shellcheck source=packaging/lib.sh
source packaging/lib.sh

target=$(default_target)
suite=bookworm

check_man_pages() {
    need_program mandoc mandoc
    mandoc -T lint -W warning "$dist/$target"/man/*.1 || die "mandoc has warnings about the man pages"
}

# Packs with script $1 twice, and requires the same bytes. The name of the package matches pattern $2. `package` is its path.
pack_twice() {
    local script=$1 pattern=$2
    find "$dist" -maxdepth 1 -name "$pattern" -delete
    bash "$script" "$target"
    package=$(find "$dist" -maxdepth 1 -name "$pattern")
    mv "$package" "$scratch/first"
    bash "$script" "$target"
    cmp "$scratch/first" "$package" || die "$script wrote two different packages"
}

# Fails if $scratch/files, the list of a package's files, lacks one. $1 is the folder of zsh.
check_contents() {
    local absent
    absent=$(comm -23 <(expected_files "$1" | sort) <(sort "$scratch/files"))
    [[ -z $absent ]] || die "$package lacks: $absent"
}

expected_files() {
    local page
    say /usr/bin/swp-keys "/usr/share/zsh/$1/_swp-keys" /usr/share/bash-completion/completions/swp-keys \
        /usr/share/fish/vendor_completions.d/swp-keys.fish /usr/share/elvish/lib/swp-keys.elv /usr/share/doc/swp-keys/THIRD-PARTY-NOTICES
    for page in "$dist/$target"/man/*.1; do
        say "/usr/share/man/man1/${page##*/}.gz"
    done
}

check_deb() {
    pack_twice packaging/deb.sh '*.deb'
    deb=$package
    dpkg-deb --contents "$deb" | sed 's/^.* \.//' >"$scratch/files"
    check_contents vendor-completions
    [[ $(dpkg-deb --field "$deb" Depends) == "libc6 (>= 2.17)" ]] || die "$deb depends on: $(dpkg-deb --field "$deb" Depends)"
    need_program lintian lintian
    lintian --fail-on error,warning --allow-root "$deb"
}

check_rpm() {
    pack_twice packaging/rpm.sh '*.rpm'
    need_program rpm rpm
    rpm --query --package --list "$package" >"$scratch/files"
    check_contents site-functions
    rpm --query --package --requires "$package" | grep -qx 'glibc >= 2.17' || die "$package does not require glibc 2.17"
}

make_scratch
case ${1:-} in
deb)
    check_man_pages
    check_deb
    bash packaging/install-test.sh "$suite" "$deb"
    ;;
rpm) check_rpm ;;
*) die "usage: bash .ci/packages.sh deb|rpm" ;;
esac
