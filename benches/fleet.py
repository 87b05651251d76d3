"""Measures `apply` for many new keys: calls, time and peak memory, with and without a rate limit.

    python3 benches/fleet.py              needs the release build; installs GNU time; takes about 4 minutes
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release" / "swp-keys"

# Number of keys, flags of the sandbox, and the goals: calls that are executed, rejected calls, seconds and MiB.
DELAY = "--fault=* * delay=25ms before always"
CASES = [
    (1_000, ["--rate-limit=off"], 1_075, 0, 8, 16),
    (10_000, ["--rate-limit=off"], 10_750, 0, 80, 40),
    (1_000, ["--rate-limit=500", DELAY], 1_075, 33, 130, 16),
]


def manifest(count):
    keys = "".join(f"k{number} = {{}}\n" for number in range(count))
    defaults = 'role = "Auditor"\nexpires = "90d"\nout-file = "out/{name}.key"\n'
    return f'fleet = "bench"\n[defaults]\n{defaults}[keys]\n{keys}'


def measure(count, flags):
    """Returns the executed calls, the rejected calls, the seconds and the MiB of one run."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "keys.toml").write_text(manifest(count))
        apply = ["time", "-q", "-f", "%e %M", "-o", "figures", str(BINARY), "apply", "-f", "keys.toml", "-vv"]
        environment = os.environ | {"SWP_STATE_DIR": str(Path(folder, "state"))}
        with open(Path(folder, "log"), "w+") as log, open(Path(folder, "plan"), "w") as plan:
            subprocess.run([BINARY, "sandbox", *flags, "--", *apply], cwd=folder, env=environment, stdout=plan, stderr=log, check=True)
            log.seek(0)
            statuses = re.findall(r"(?:POST|GET|DELETE) /api/\S+ -> (\d+)", log.read())
        seconds, peak = Path(folder, "figures").read_text().split()
        rejected = statuses.count("429")
        return len(statuses) - rejected, rejected, float(seconds), int(peak) / 1024


def main():
    missed = False
    for count, flags, *goals in CASES:
        figures = measure(count, flags)
        calls, rejected, seconds, peak = figures
        print(f"{count:6} keys {' '.join(flags):60}{calls:6} calls, {rejected} rejected, {seconds:.1f} s, {peak:.1f} MiB")
        missed |= any(figure > goal for figure, goal in zip(figures, goals))
    sys.exit("a goal was missed" if missed else 0)


if __name__ == "__main__":
    main()
