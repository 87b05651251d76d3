#!/usr/bin/env bash
# Downloads a release, verifies its build provenance and puts the program in PATH. action.yml runs this on a runner of GitHub Actions.
#
# INPUT_VERSION and INPUT_REPOSITORY are the inputs of the action, and GH_TOKEN is the token for GitHub's CLI. The runner sets the other
# variables. A release is verified before it is unpacked: the attestation must come from the release workflow at the tag of the version.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh

# The repository of Cargo.toml, as OWNER/NAME.
own_repository() { sed -nE 's|^repository = "https://github.com/([^/"]+/[^/"]+)"$|\1|p' Cargo.toml; }

# The Rust target that runs on this runner. The static binary runs on every Linux.
find_target() {
    case $RUNNER_OS/$RUNNER_ARCH in
    Linux/X64) say x86_64-unknown-linux-musl ;;
    Linux/ARM64) say aarch64-unknown-linux-musl ;;
    macOS/*) say universal-apple-darwin ;;
    Windows/X64) say x86_64-pc-windows-msvc ;;
    Windows/ARM64) say aarch64-pc-windows-msvc ;;
    *) die "there is no release for $RUNNER_OS on $RUNNER_ARCH" ;;
    esac
}

unpack() {
    case $1 in
    *.zip) unzip -q "$1" -d "$2" ;;
    *) tar -xzf "$1" -C "$2" ;;
    esac
}

version=${INPUT_VERSION:-$(bash packaging/version.sh)}
version=${version#v}
repository=${INPUT_REPOSITORY:-$(own_repository)}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.-]*$ ]] || die "the input 'version' is not a version: $version"
[[ $repository =~ ^[0-9A-Za-z_.-]+/[0-9A-Za-z_.-]+$ ]] || die "the input 'repository' is not OWNER/NAME: $repository"
target=$(find_target)
name=swp-keys-$version-$target
program=swp-keys
archive=$name.tar.gz
if [[ $RUNNER_OS == Windows ]]; then
    program=swp-keys.exe
    archive=$name.zip
fi

temporary=$RUNNER_TEMP
[[ $RUNNER_OS != Windows ]] || temporary=$(cygpath --unix "$temporary")
folder=$(mktemp -d "$temporary/swp-keys.XXXXXX")
gh release download "v$version" --repo "$repository" --pattern "$archive" --dir "$folder"
gh attestation verify "$folder/$archive" --repo "$repository" --source-ref "refs/tags/v$version" \
    --signer-workflow "$repository/.github/workflows/release.yml"
unpack "$folder/$archive" "$folder"

found=$("$folder/$name/$program" --version | tr -d '\r')
[[ $found == "swp-keys $version" ]] || die "the version of $archive is '$found', not 'swp-keys $version'"
bin=$folder/$name
# The runner needs Windows paths on Windows.
[[ $RUNNER_OS != Windows ]] || bin=$(cygpath --windows "$bin")
say "$bin" >>"$GITHUB_PATH"
say "version=$version" "path=$bin/$program" >>"$GITHUB_OUTPUT"
say "installed swp-keys $version"
