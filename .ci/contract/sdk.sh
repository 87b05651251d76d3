#!/usr/bin/env bash
# Runs the unchanged Python SDK of the vendor against the sandbox, with a key that swp-keys created there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

need_binary
need_python_tools
forget_settings
exec "$swp_keys" sandbox -- "$python" .ci/contract/sdk.py
