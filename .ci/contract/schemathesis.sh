#!/usr/bin/env bash
# Sends valid and invalid requests, generated from the vendor's document, to the sandbox and checks every response.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

# No limits on calls, sessions and wrong passwords, because the check sends thousands of each. The unknowns are set to accept what the
# document allows, such as a role ID that does not exist.
sandbox_options=(
    --rate-limit off
    --sessions-max 1000000
    --sign-in-attempts 1000000
    --unknown past-expiry=accepted
    --unknown unknown-role=accepted
    --unknown unknown-time-zone=accepted
    --unknown duplicate-name=accepted
)

need_contract
need_python_tools

if [[ ${1:-} != inside ]]; then
    need_binary
    forget_settings
    exec "$swp_keys" sandbox "${sandbox_options[@]}" -- bash .ci/contract/schemathesis.sh inside
fi

make_scratch
export RESPONSES=$scratch/responses.json
# Hypothesis, which Schemathesis uses, would write to the current folder.
export HYPOTHESIS_STORAGE_DIRECTORY=$scratch/hypothesis
python3 .ci/contract/derive.py schemathesis "$contract" "$scratch/contract.json"
"$schemathesis" --config-file .ci/contract/schemathesis.toml --no-color run "$scratch/contract.json"
# A sandbox that rejects everything would pass too, so each operation must have succeeded once.
python3 - "$RESPONSES" "$scratch/contract.json" <<'PYTHON'
import json, sys

responses, document = (json.load(open(path)) for path in sys.argv[1:])
operations = [f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item]
for operation in operations:
    print(f"{operation}:", ", ".join(f"{n} x {status}" for status, n in responses.get(operation, {}).items()))
idle = [operation for operation in operations if "200" not in responses.get(operation, {})]
if idle:
    sys.exit(f"error: never responded with 200: {', '.join(idle)}")
PYTHON
