#!/usr/bin/env bash
# Requests made from the vendor's document, right and wrong ones, against the sandbox; every answer is held against it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

# No limits on calls, sessions and wrong passwords: this sends thousands of each, and reaching one would hide what is checked.
# Accepted: what the document allows and the sandbox would refuse, such as a role ID that nothing has. Played this way it must
# take every request that the document allows.
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
export ANSWERS=$scratch/answers.json
# Hypothesis, which Schemathesis is built on, keeps files too, by default in the current folder.
export HYPOTHESIS_STORAGE_DIRECTORY=$scratch/hypothesis
python3 .ci/contract/derive.py schemathesis "$contract" "$scratch/contract.json"
"$schemathesis" --config-file .ci/contract/schemathesis.toml --no-color run "$scratch/contract.json"
# Refusing everything breaks no contract either: each operation must have done its work at least once.
python3 - "$ANSWERS" "$scratch/contract.json" <<'PYTHON'
import json, sys

answers, document = (json.load(open(path)) for path in sys.argv[1:])
operations = [f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item]
for operation in operations:
    print(f"{operation}:", ", ".join(f"{n} times {status}" for status, n in answers.get(operation, {}).items()))
idle = [operation for operation in operations if "200" not in answers.get(operation, {})]
if idle:
    sys.exit(f"error: never answered with 200: {', '.join(idle)}")
PYTHON
