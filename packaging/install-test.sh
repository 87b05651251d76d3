#!/usr/bin/env bash
# install-test.sh SUITE DEB: installs the Debian package DEB in a fresh system of the Debian release SUITE, such as bookworm, and uses it.
#
# An ordinary user creates a key on the simulated manager, and `man` must find every page that the program writes. The system comes from
# debootstrap and is kept in the cache of .ci/tools.sh. Needs root or sudo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

# Runs a command in the fresh system, with a /proc of its own.
inside() {
    as_root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
        unshare --mount --pid --fork --kill-child --mount-proc="$system/proc" chroot "$system" "$@"
}

as_user() { inside runuser -u user -- env HOME=/home/user "$@"; }

remove_system() { as_root rm -rf "$scratch"; }

check_program() {
    local secret
    secret=$(as_user swp-keys sandbox -- swp-keys create --role Auditor)
    [[ -n $secret ]] || die "the created key has no secret"
}

check_manual() {
    local page pages=()
    as_user swp-keys man --quiet --out-dir /tmp/pages
    for page in "$system"/tmp/pages/*.1; do
        page=${page##*/}
        pages+=("${page%.1}")
    done
    ((${#pages[@]} > 1)) || die "the program wrote no man pages"
    inside man -w "${pages[@]}" >"$scratch/found" || die "$suite does not find all pages of the manual"
    say "$suite: man finds ${#pages[@]} pages, such as $(grep /swp-keys-list.1 "$scratch/found")"
}

(($# == 2)) || die "usage: install-test.sh SUITE DEB"
suite=$1 package=$2
need_system "$suite"
scratch=$(mktemp -d)
trap remove_system EXIT
system=$scratch/system
as_root mkdir "$system"
as_root tar --extract --file "$system_archive" --directory "$system" --numeric-owner
as_root install -m 644 "$package" "$system/swp-keys.deb"

inside useradd --create-home user
inside dpkg --install /swp-keys.deb
check_program
check_manual
inside dpkg --purge swp-keys
[[ ! -e $system/usr/bin/swp-keys ]] || die "the removed package left its program behind"
say "$suite: the package was installed, used and removed"
