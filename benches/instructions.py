"""How many instructions the start and the main job take, held against instructions.toml: the step of .ci/run that keeps them down.

    python3 benches/instructions.py             fails where one has grown by more than a tenth; needs the release build
    python3 benches/instructions.py --store     writes what was counted

Counted by valgrind's callgrind, so a busy machine does not matter. The main job runs against the sandbox, which is not counted. The
median of three: a handshake draws its numbers, and each takes a little more or less.
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
    """The instructions of one run, all its threads together."""
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
    lines = ["# Instructions of a run, by `python3 benches/instructions.py --store`. A figure grows only in the commit that says why.\n"]
    lines += [f"{job} = {value:_}\n" for job, value in counts.items()]
    STORED.write_text("".join(lines))


def compare(counts):
    """Whether nothing grew too much."""
    stored = tomllib.loads(STORED.read_text())
    grown = set(stored) != set(counts)
    for job, value in counts.items():
        ratio = value / stored[job] if job in stored else float("inf")
        too_many = ratio > TOLERANCE
        grown = grown or too_many
        verdict = "grown too much" if too_many else "fallen: store it" if ratio < 2 - TOLERANCE else "as stored"
        print(f"{job:12} {value:>12_} instructions, {ratio:.3f} of what is stored: {verdict}")
    return not grown


def need_valgrind():
    if shutil.which("valgrind"):
        return
    if not shutil.which("apt-get"):
        print("instruction counts: left out, valgrind is not there and this system has no apt-get")
        raise SystemExit(0)
    become = [] if os.geteuid() == 0 else ["sudo"]
    subprocess.run([*become, "apt-get", "update", "-q"], stdout=subprocess.DEVNULL, check=True)
    subprocess.run([*become, "apt-get", "install", "-q", "-y", "--no-install-recommends", "valgrind"], stdout=subprocess.DEVNULL, check=True)


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
        raise SystemExit("a run takes more than a tenth more instructions than instructions.toml says. Find out why; if it is worth "
                         "it, run `python3 benches/instructions.py --store` and commit the figures with the change.")


if __name__ == "__main__":
    main()
