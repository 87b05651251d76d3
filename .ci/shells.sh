#!/usr/bin/env bash
# Types commands and Tab into bash, zsh, fish and elvish, and compares what the program receives. Asks PowerShell for its completions if pwsh
# is installed.
#
#   bash .ci/shells.sh         all shells
#   bash .ci/shells.sh zsh     the shells whose names start with this text
#   SWP_KEYS_BINARY=FILE bash .ci/shells.sh    another program
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

require_powershell=${SWP_KEYS_CI_REQUIRE_POWERSHELL:-}
export BINARY=${SWP_KEYS_BINARY:-$swp_keys}
[[ -x $BINARY ]] || need_binary
need_shells
forget_settings

sandbox() { "$BINARY" sandbox --quiet --rate-limit 0 --roles .ci/shells/roles.json -- "$@"; }

sandbox python3 .ci/shells/complete.py "$@"
if command -v pwsh >/dev/null; then
    sandbox pwsh -NoProfile -File .ci/shells/powershell.ps1
elif [[ $require_powershell ]]; then
    die "pwsh is not installed"
else
    say "PowerShell: skipped, because pwsh is not installed"
fi
