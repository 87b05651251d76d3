#!/usr/bin/env bash
# archive.sh [TARGET]: packs dist/TARGET into an archive in dist/, and compares the archive with contents.txt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=packaging/lib.sh
source packaging/lib.sh

target=${1:-$(default_target)}
name=swp-keys-$(version)-$target
[[ -d $dist/$target ]] || die "$dist/$target does not exist: run packaging/build.sh $target"
export_source_date

case $target in
*-windows-*) archive=$dist/$name.zip ;;
*) archive=$dist/$name.tar.gz ;;
esac
python3 packaging/archive.py "$dist/$target" "$name" "$archive"
python3 packaging/contents.py "$archive"
