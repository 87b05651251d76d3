#!/usr/bin/env bash
# Runs the scripts of a release that need no runner, with made-up archives of the release build and without GitHub.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

# Fails unless the command fails and its error contains $1.
must_fail() {
    local expected=$1 output
    shift
    if output=$("$@" 2>&1); then die "succeeded, but should have failed: $*"; fi
    [[ $output == *"$expected"* ]] || die "the error of '$*' does not contain '$expected': $output"
}

must_contain() {
    grep -qF -- "$2" "$1" || die "$1 does not contain '$2': $(cat "$1")"
}

# Packs the release build as the archive for each target.
make_archives() {
    local target name
    for target in {x86_64,aarch64}-unknown-linux-musl universal-apple-darwin {x86_64,aarch64}-pc-windows-msvc; do
        name=swp-keys-$version-$target
        mkdir -p "$scratch/$name" "$assets"
        cp "$swp_keys" "$scratch/$name/swp-keys"
        case $target in
        *windows*) (cd "$scratch" && python3 -m zipfile -c "$assets/$name.zip" "$name") ;;
        *) tar -czf "$assets/$name.tar.gz" -C "$scratch" "$name" ;;
        esac
    done
    (cd "$assets" && sha256sum -- * >SHA256SUMS)
}

check_version() {
    bash packaging/version.sh "v$version" >/dev/null
    must_fail "the tag is v9.9.9" bash packaging/version.sh v9.9.9
    (($(bash packaging/notes.sh | wc -l) <= 40)) || die "the release notes have more than 40 lines"
}

check_manifests() {
    local manifests=$scratch/manifests
    python3 packaging/manifests.py https://github.com/example/swp-keys "$assets/SHA256SUMS" "$manifests" 2026-11-29
    need_program ruby ruby
    ruby -c "$manifests/homebrew/swp-keys.rb" >/dev/null
    python3 -m json.tool "$manifests/scoop/swp-keys.json" >/dev/null
    "$linters/python" .ci/release/winget.py "$manifests/winget" "$version"
    grep -v windows "$assets/SHA256SUMS" >"$scratch/incomplete"
    must_fail "no hash of swp-keys-$version-x86_64-pc-windows-msvc.zip" \
        python3 packaging/manifests.py https://github.com/example/swp-keys "$scratch/incomplete" "$scratch/none"
}

check_channels() {
    bash packaging/channels.sh scoop "$version" "$scratch/manifests" >/dev/null
    [[ ! -s $CALLS ]] || die "channels.sh published without a repository: $(cat "$CALLS")"
    HOMEBREW_TAP=example/homebrew-tap bash packaging/channels.sh homebrew "$version" "$scratch/manifests" >/dev/null
    must_contain "$CALLS" "--method PUT repos/example/homebrew-tap/contents/Formula/swp-keys.rb"
    WINGET_FORK=example/winget-pkgs bash packaging/channels.sh winget "$version" "$scratch/manifests" >/dev/null
    must_contain "$CALLS" "contents/manifests/e/example/swp-keys/$version/example.swp-keys.installer.yaml"
    must_contain "$CALLS" "pr create --repo microsoft/winget-pkgs --base master --head example:swp-keys-$version"
    must_fail "is not OWNER/NAME" env SCOOP_BUCKET='a b' bash packaging/channels.sh scoop "$version" "$scratch/manifests"
}

install_release() {
    env RUNNER_OS=Linux RUNNER_ARCH=X64 RUNNER_TEMP="$scratch" GITHUB_PATH="$scratch/path" GITHUB_OUTPUT="$scratch/output" \
        INPUT_REPOSITORY=example/swp-keys "$@" bash packaging/install-release.sh
}

check_action() {
    : >"$CALLS"
    install_release INPUT_VERSION= >/dev/null
    must_contain "$CALLS" "--repo example/swp-keys --source-ref refs/tags/v$version"
    must_contain "$scratch/output" "version=$version"
    [[ $("$(cat "$scratch/path")/swp-keys" --version) == "swp-keys $version" ]] || die "the action installed another program"
    : >"$scratch/path"
    must_fail "" install_release VERDICT=forged
    must_fail "is not a version" install_release INPUT_VERSION='0.2.0;id'
    [[ ! -s $scratch/path ]] || die "the action put a program in PATH that it could not verify"
}

# The files of the image, as root sees them. The image itself needs a container engine.
check_image() {
    SWP_KEYS_IMAGE_ROOTS=$scratch/roots bash packaging/image.sh "$assets" "$scratch/image"
    [[ $(stat -c %a "$scratch/image/common/tmp" "$scratch/image/home/swp-keys" | xargs) == "1777 700" ]] || die "wrong modes in the image"
    "$scratch/image/amd64/usr/bin/swp-keys" --version >/dev/null
}

need_binary
need_linters
forget_settings
make_scratch
version=$(bash packaging/version.sh)
assets=$scratch/assets
export ASSETS=$assets CALLS=$scratch/calls GH_TOKEN=none
export PATH=$repository/.ci/release:$PATH
echo "made-up certificates" >"$scratch/roots"
: >"$CALLS"

make_archives
check_version
check_manifests
check_channels
check_action
check_image
sh packaging/try.sh "$assets/swp-keys-$version-x86_64-unknown-linux-musl.tar.gz" "$version"
say "the scripts of the release work"
