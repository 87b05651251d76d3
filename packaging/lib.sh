# Functions that the scripts of this folder share. Sourced after .ci/lib.sh and .ci/tools.sh, never run.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the scripts that source this file use the variables

cargo_auditable_version=0.7.7
cargo_about_version=0.9.3
cargo_cyclonedx_version=0.5.9
cargo_deb_version=3.8.0
cargo_generate_rpm_version=0.21.1

# The oldest glibc that the program starts with: the one of RHEL 7. Every newer distribution has a newer one.
glibc_floor=2.17

# shellcheck disable=SC2154  # lib.sh is sourced first
dist=$repository/dist

version() { bash "$repository/packaging/version.sh"; }

default_target() { say "$(uname -m)-unknown-linux-gnu"; }

# The name of the program for target $1.
program_name() {
    case $1 in
    *-windows-*) say swp-keys.exe ;;
    *) say swp-keys ;;
    esac
}

# Files in packages have the time of the last commit, so that the same commit gives the same bytes.
export_source_date() {
    if [[ -z ${SOURCE_DATE_EPOCH:-} ]]; then
        SOURCE_DATE_EPOCH=$(git -C "$repository" log -1 --format=%ct) || die "set SOURCE_DATE_EPOCH: this is not a git repository"
    fi
    export SOURCE_DATE_EPOCH
}

# Path $1 in the form that rustc knows. The bash of Windows has another form.
native_path() {
    if command -v cygpath >/dev/null; then cygpath -w "$1"; else say "$1"; fi
}

cargo_home=${CARGO_HOME:-$HOME/.cargo}
