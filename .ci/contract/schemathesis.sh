#!/usr/bin/env bash
# Requests made from the vendor's document, right and wrong ones, against the sandbox; every answer is held against it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

need_contract
need_python_tools

if [[ ${1:-} != inside ]]; then
    need_binary
    exec "$swp_keys" sandbox -- bash .ci/contract/schemathesis.sh inside
fi

make_scratch
python3 .ci/contract/derive.py schemathesis "$contract" "$scratch/contract.json"
"$schemathesis" --config-file .ci/contract/schemathesis.toml --no-color run \
    --report json --report-json-path "$scratch/report.json" "$scratch/contract.json"
