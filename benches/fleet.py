"""Measures `apply` and `plan` for many keys, and the vendor's SDK for the same keys: calls, time and peak memory.

    python3 benches/fleet.py [CASE...]          all cases by default, which take about 6 minutes

Needs the release build. Installs GNU time and the SDK. Each run has a sandbox of its own.
"""

import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools import need

HERE = Path(__file__).resolve().parent
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "release" / "swp-keys"
NO_LIMIT = ["--rate-limit=off"]
LIMIT = ["--rate-limit=500"]
FAR = ["--fault=* * delay=50ms before always"]


@dataclass
class Case:
    """`used` calls precede the command. `sdk` is the number of keys that the SDK creates, and how: see fleet_sdk.py."""

    command: str
    keys: int
    flags: list[str]
    # Maxima by the name of the figure. Only `ratio`, the time of the SDK for a key divided by the time of the command, is a minimum.
    goals: dict[str, float]
    used: int = 0
    sdk: tuple[str, ...] = ()


CASES = {
    "loopback": Case("apply", 1_000, NO_LIMIT, {"calls": 1_075, "seconds": 8, "MiB": 16}, sdk=("1000",)),
    "programs": Case("apply", 1_000, NO_LIMIT, {"ratio": 10}, sdk=("20", "processes")),
    "far": Case("apply", 1_000, NO_LIMIT + FAR, {"calls": 1_075, "ratio": 5}, sdk=("100",)),
    "many": Case("apply", 10_000, NO_LIMIT, {"calls": 10_750, "seconds": 80, "MiB": 40}),
    "plan": Case("plan", 5, [*NO_LIMIT, "--many-keys=100000"], {"calls": 105, "seconds": 3, "MiB": 24}),
    "limit": Case("apply", 1_000, LIMIT + FAR, {"calls": 1_075, "rejected": 32, "seconds": 130, "MiB": 16}, sdk=("1000",)),
    "used": Case("apply", 1_000, LIMIT + FAR, {"calls": 1_075, "seconds": 140, "MiB": 16}, used=400),
}


def manifest(count):
    keys = "".join(f"k{number} = {{}}\n" for number in range(count))
    defaults = 'role = "Auditor"\nexpires = "90d"\nout-file = "out/{name}.key"\n'
    return f'fleet = "bench"\n[defaults]\n{defaults}[keys]\n{keys}'


def in_sandbox(case, folder, *command):
    """Runs a command in a new sandbox, and returns its stdout and stderr."""
    environment = os.environ | {"SWP_STATE_DIR": str(Path(folder, "state"))}
    with open(Path(folder, "log"), "w+") as log:
        done = subprocess.run([BINARY, "sandbox", *case.flags, "--", *command], cwd=folder, env=environment,
                              stdout=subprocess.PIPE, stderr=log, text=True)
        log.seek(0)
        text = log.read()
    if done.returncode != 0:
        raise SystemExit(f"exit code {done.returncode}: {command}\n{text[-2000:]}")
    return done.stdout, text


def measure(name, case):
    """Returns the figures of the command."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "keys.toml").write_text(manifest(case.keys))
        _, log = in_sandbox(case, folder, sys.executable, __file__, "inside", name)
        seconds, peak = Path(folder, "figures").read_text().split()
    statuses = re.findall(r"(?:POST|GET|DELETE) /api/\S+ -> (\d+)", log)
    rejected = statuses.count("429")
    return {"calls": len(statuses) - rejected, "rejected": rejected, "seconds": float(seconds), "MiB": int(peak) / 1024}


def measure_sdk(case, python):
    """Returns the number of keys that the loop created, its seconds, and the status that ended it."""
    with tempfile.TemporaryDirectory() as folder:
        printed, _ = in_sandbox(case, folder, python, HERE / "fleet_sdk.py", *case.sdk)
    created, seconds, status = printed.split()
    return int(created), float(seconds), int(status)


def use_calls(count):
    """Signs in and makes calls that succeed, so that fewer calls are left in the window of the limit."""
    context = ssl.create_default_context(cafile=os.environ["SWP_CA_CERT"])
    password = Path(os.environ["SWP_PASSWORD_FILE"]).read_text().strip()
    headers = {"Content-Type": "application/json", "api-version": "v1"}

    def call(path, data, headers):
        request = urllib.request.Request(os.environ["SWP_URL"] + path, data and json.dumps(data).encode(), headers)
        with urllib.request.urlopen(request, context=context) as answer:
            return answer.headers, answer.read()

    answered, body = call("/api/sessions", {"userName": os.environ["SWP_USERNAME"], "password": password}, headers)
    session = headers | {"Cookie": answered["Set-Cookie"].split(";")[0], "rID": json.loads(body)["RID"]}
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: call("/api/roles/2", None, session), range(count - 1)))


def inside(name):
    """Runs the command of a case in place of this process."""
    case = CASES[name]
    if case.used:
        use_calls(case.used)
    os.execvp("time", ["time", "-q", "-f", "%e %M", "-o", "figures", str(BINARY), case.command, "-f", "keys.toml", "-vv"])


def report(name, case, figures):
    """Prints the figures and returns true if a goal was missed."""
    missed = [goal for goal, limit in case.goals.items() if (figures[goal] < limit if goal == "ratio" else figures[goal] > limit)]
    values = ", ".join(f"{value:.1f} {figure}" if isinstance(value, float) else f"{value} {figure}" for figure, value in figures.items())
    print(f"{name:8} {case.command} of {case.keys} keys: {values}" + "".join(f"; MISSED: {goal}" for goal in missed), flush=True)
    return bool(missed)


def compare(name, case, figures, python):
    """Runs the SDK, and adds the ratio of the times for a key to the figures."""
    created, seconds, status = measure_sdk(case, python)
    ended = f"{created} keys, then the status {status}" if status else f"{created} keys"
    print(f"{name:8} SDK ({' '.join(case.sdk)}): {ended}, {seconds:.1f} seconds")
    if not status:
        figures["ratio"] = seconds / created / (figures["seconds"] / case.keys)


def main(names):
    need("need_program time time")
    [python] = need("need_python_tools", "python")
    missed = False
    for name in names or CASES:
        case = CASES[name]
        figures = measure(name, case)
        if case.sdk:
            compare(name, case, figures, python)
        missed |= report(name, case, figures)
    sys.exit("a goal was missed" if missed else 0)


if __name__ == "__main__":
    inside(sys.argv[2]) if sys.argv[1:2] == ["inside"] else main(sys.argv[1:])
