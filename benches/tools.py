"""Installs what a benchmark needs, with the functions of .ci/tools.sh."""

import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def need(function, *variables):
    """Runs a function of .ci/tools.sh and returns the values of the shell variables that it sets."""
    values = " ".join(f'"${name}"' for name in variables)
    script = f"source .ci/lib.sh; source .ci/tools.sh; {function} >&2; printf '%s\\n' {values}"
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"could not install what the benchmark needs ({function})")
    return done.stdout.splitlines()
