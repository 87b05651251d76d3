"""Counts the round trips of a command by running it nearby and at a distance of 50 ms each way. Prints the requests from its log too.
Measures the time until stdout has the result, which is when a pipe continues, and the time until the run has ended.

    python3 benches/distance.py           needs the release build
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "release" / "swp-keys"
EACH_WAY = 50
ROUNDS = 5


def timed(url, arguments):
    """Returns the times from the start to the first byte of stdout and to the end, and the requests in the log."""
    with tempfile.TemporaryFile("w+") as stderr:
        begun = time.perf_counter()
        ran = subprocess.Popen([str(BINARY), "-vv", *arguments, "--url", url], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=stderr)
        ran.stdout.read(1)
        times = [time.perf_counter() - begun]
        ran.stdout.read()
        ran.wait()
        times.append(time.perf_counter() - begun)
        stderr.seek(0)
        log = stderr.read()
    if ran.returncode != 0:
        raise SystemExit(f"{arguments}: {log}")
    return times, re.findall(r"debug: (\S+ \S+ -> \d+ in \d+ ms)", log)


def measure(title, arguments, near, far, version, before=None):
    times = {near: [], far: []}
    for _ in range(ROUNDS):
        for url in (near, far):
            if before:
                timed(url, before)
            taken, requests = timed(url, arguments)
            times[url].append(taken)
    print(f"\n{title}, {version}")
    for what, place in ("until stdout has the result", 0), ("until the run has ended", 1):
        here, there = (statistics.median(taken[place] for taken in times[url]) * 1000 for url in (near, far))
        print(f"  {what}: {here:.0f} ms near, {there:.0f} ms far: {(there - here) / (2 * EACH_WAY):.1f} round trips")
    for request in requests:
        print(f"    {request}")


def inside(version):
    near = os.environ["SWP_URL"]
    proxy = subprocess.Popen([sys.executable, HERE / "delay_proxy.py", near.rsplit(":", 1)[1], str(EACH_WAY)],
                             stdout=subprocess.PIPE, text=True)
    far = f"https://127.0.0.1:{int(proxy.stdout.readline())}"
    try:
        measure("find-role", ["find-role", "Auditor"], near, far, version)
        measure("create, with a password", ["create", "--role", "Auditor"], near, far, version)
        known = ["create", "--role-id", "2"]
        measure("create, with a saved session and a role ID", known, near, far, version, before=["login"])
        unchecked = [*known, "--allow-full-access"]
        measure("the same, without the check of the role", unchecked, near, far, version, before=["login"])
    finally:
        proxy.terminate()
        proxy.wait()


def main():
    if sys.argv[1:2] == ["inside"]:
        inside(sys.argv[2])
        return
    for version in ("1.3", "1.2"):
        done = subprocess.run([str(BINARY), "--quiet", "sandbox", "--tls", version, "--rate-limit", "off", "--sessions-max", "1000",
                               "--", sys.executable, __file__, "inside", f"TLS {version}"])
        if done.returncode != 0:
            raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
