#!/usr/bin/env bash
# The vendor's Python SDK, unchanged, against the sandbox, with a key that swp-keys made there.
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
