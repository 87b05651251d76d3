#!/usr/bin/env bash
# build.sh [TARGET]: builds the program for one target, and fills dist/TARGET with everything that its packages contain.
#
# The default target is Linux with glibc on the processor of this machine. The program writes its own manual, so it must run on this machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh
# shellcheck source=packaging/lib.sh
source packaging/lib.sh

target=${1:-$(default_target)}
stage=$dist/$target
program=$stage/$(program_name "$target")
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$repository/target}/dist

# Sets the flags of the compiler. They replace the paths of this machine in the program: the last flag that matches a path applies.
set_flags() {
    local separator=$'\x1f' flags folder
    flags=--remap-path-prefix=$(native_path "$CARGO_TARGET_DIR")=/target
    flags+=$separator--remap-path-prefix=$(native_path "$repository")=/swp-keys
    flags+=$separator--remap-path-prefix=$(native_path "$cargo_home")=/cargo
    # The name of this folder depends on how the machine reaches the registry.
    for folder in "$cargo_home"/registry/src/*/; do
        flags+=$separator--remap-path-prefix=$(native_path "${folder%/}")=/crates
    done
    flags+=$separator--remap-path-prefix=$(rustc --print sysroot)=/rust
    # The Visual C++ runtime is not on every machine.
    [[ $target != *-windows-msvc ]] || flags+=$separator-Ctarget-feature=+crt-static
    # Without the tables that unwind the stack, the program is 0.75 MB smaller. On macOS, the compiler leaves them out itself.
    [[ $target != *-linux-* ]] || flags+=$separator-Clink-arg=-Wl,-T,packaging/no-unwinding.ld
    export CARGO_ENCODED_RUSTFLAGS=$flags
}

# Builds for target $1 with subcommand $2 of cargo, which gets $1 with suffix $3.
compile() {
    cargo auditable "$2" --locked --release --bin swp-keys --target "$1${3:-}"
    built=$CARGO_TARGET_DIR/$1/release/$(program_name "$1")
}

build_program() {
    local slices=() slice
    case $target in
    *-linux-gnu) compile "$target" zigbuild ".$glibc_floor" ;;
    *-linux-musl) compile "$target" zigbuild ;;
    *-windows-msvc) compile "$target" build ;;
    universal-apple-darwin)
        for slice in x86_64-apple-darwin aarch64-apple-darwin; do
            compile "$slice" build
            slices+=("$built")
        done
        built=$CARGO_TARGET_DIR/swp-keys-universal
        lipo -create -output "$built" "${slices[@]}"
        ;;
    *) die "$target is not a target of the releases" ;;
    esac
    cp "$built" "$program"
}

# Fails if the program has no list of its crates. Only Linux has the tool that finds it.
check_crate_list() {
    local sections
    sections=$(readelf --sections --wide "$program")
    [[ $sections == *" .dep-v0 "* ]] || die "$program has no list of its crates"
}

write_completions() {
    local folder=$stage/completions
    mkdir "$folder"
    "$program" completions bash >"$folder/swp-keys.bash"
    "$program" completions zsh >"$folder/_swp-keys"
    "$program" completions fish >"$folder/swp-keys.fish"
    "$program" completions elvish >"$folder/swp-keys.elv"
    "$program" completions powershell >"$folder/swp-keys.ps1"
}

# Writes the licences of the crates in the program.
write_notices() {
    local targets=(--target "$target")
    [[ $target != universal-apple-darwin ]] || targets=(--target x86_64-apple-darwin --target aarch64-apple-darwin)
    cargo about generate --offline --locked --fail --config packaging/about.toml "${targets[@]}" \
        --output-file "$stage/THIRD-PARTY-NOTICES" packaging/notices.hbs
}

# Settings of the user must not affect the manual.
forget_settings
export_source_date
need_cargo_tool cargo-auditable "$cargo_auditable_version"
need_cargo_tool cargo-about "$cargo_about_version" --features cli
[[ $target != *-linux-* ]] || need_zigbuild

rm -rf "$stage"
mkdir -p "$stage"
cargo fetch --locked
set_flags
build_program
bash packaging/paths.sh "$program"
[[ $target != *-linux-* ]] || check_crate_list
[[ $target != *-linux-gnu ]] || bash packaging/floor.sh "$program" "$glibc_floor"
"$program" --quiet man --out-dir "$stage/man"
write_completions
write_notices
cp README.md LICENSE CHANGELOG.md SECURITY.md "$stage"
say "$program has $(wc -c <"$program") bytes"
