#!/usr/bin/env bash
# crate.sh: packs the crate, builds and installs it from the packed files alone, and creates a key with the installed program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=packaging/lib.sh
source packaging/lib.sh

make_scratch
forget_settings
# The crates that the program depends on are compiled already.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$repository/target}
name=swp-keys-$(version)

# Installing the packed files verifies more than cargo does here. The gate also runs before a commit.
cargo package --quiet --locked --allow-dirty --no-verify
tar -xzf "$CARGO_TARGET_DIR/package/$name.crate" -C "$scratch"
others=$(cd "$scratch/$name" && find . -type f | grep -vE '^\./(src/|Cargo\.|README\.md$|LICENSE$|CHANGELOG\.md$|SECURITY\.md$|\.cargo_vcs_info\.json$)' || true)
[[ -z $others ]] || die "the crate contains more than the program: $others"

cargo install --quiet --locked --debug --path "$scratch/$name" --root "$scratch/installed"
installed=$scratch/installed/bin/swp-keys
key=$("$installed" sandbox -- "$installed" --quiet create --role Auditor)
[[ -n $key ]] || die "the installed program printed no key"
say "$name.crate has $(wc -c <"$CARGO_TARGET_DIR/package/$name.crate") bytes, and the program built from it creates a key"
