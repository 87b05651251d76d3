"""Counts the instructions of a start and of `create`, and compares them with instructions.toml. A step of .ci/run.

    python3 benches/instructions.py             fails if a count has grown by more than a tenth; needs the release build
    python3 benches/instructions.py --store     writes the new counts

valgrind's callgrind counts, so a busy machine does not matter. `create` runs against the sandbox, which is not counted. Each count is the
median of three, because random numbers make a handshake a little longer or shorter.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tools import need

HERE = Path(__file__).resolve().parent
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "release" / "swp-keys"
STORED = HERE / "instructions.toml"
JOBS = {
    "help": ["--help"],
    "version": ["--version"],
    "usage-error": ["create", "--no-such-flag"],
    "create": ["create", "--role", "Auditor", "--expires", "90d"],
}
TOLERANCE = 1.10


def count(folder, arguments):
    """The instructions of one run, of all its threads."""
    profile = folder / "callgrind.out"
    ran = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", str(BINARY), *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    if ran.returncode != (2 if "--no-such-flag" in arguments else 0):
        raise SystemExit(f"{arguments} exited with {ran.returncode}: {ran.stdout}")
    return int(re.search(r"^(?:summary|totals): (\d+)", profile.read_text(), re.MULTILINE)[1])


def counted():
    with tempfile.TemporaryDirectory() as name:
        return {job: int(statistics.median(count(Path(name), arguments) for _ in range(3))) for job, arguments in JOBS.items()}


def store(counts):
    lines = ["# Instructions of a run. Written by `python3 benches/instructions.py --store`; a commit that raises a count gives the reason.\n"]
    lines += [f"{job} = {value:_}\n" for job, value in counts.items()]
    STORED.write_text("".join(lines))


def compare(counts):
    """Prints each count and returns whether none grew too much."""
    stored = tomllib.loads(STORED.read_text())
    grown = set(stored) != set(counts)
    for job, value in counts.items():
        ratio = value / stored[job] if job in stored else float("inf")
        too_many = ratio > TOLERANCE
        grown = grown or too_many
        verdict = "too many" if too_many else "fewer: store them" if ratio < 2 - TOLERANCE else "as stored"
        print(f"{job:12} {value:>12_} instructions, {ratio:.3f} of the stored count: {verdict}")
    return not grown


def need_valgrind():
    if shutil.which("valgrind"):
        return
    if not shutil.which("apt-get"):
        print("instruction counts: skipped, because valgrind is not installed and apt-get is missing")
        raise SystemExit(0)
    need("need_program valgrind valgrind")


def main():
    if sys.argv[1:2] != ["inside"]:
        need_valgrind()
        ran = subprocess.run([str(BINARY), "--quiet", "sandbox", "--rate-limit", "off", "--", sys.executable, __file__, "inside", *sys.argv[1:]])
        raise SystemExit(ran.returncode)
    counts = counted()
    if "--store" in sys.argv:
        store(counts)
        print(STORED.read_text(), end="")
    elif not compare(counts):
        raise SystemExit("a run takes over a tenth more instructions than instructions.toml allows. Find the cause. If the change is worth "
                         "it, run `python3 benches/instructions.py --store` and commit the counts with the change.")


if __name__ == "__main__":
    main()
