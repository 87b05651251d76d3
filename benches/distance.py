"""How many round trips a command costs: the same run near and far (50 ms each way), and what its own log says about each request.

    python3 benches/distance.py           needs the release build
"""

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "release" / "swp-keys"
EACH_WAY = 50
ROUNDS = 5


def timed(url, arguments):
    """The time from start to end, and what the run says about its requests."""
    begun = time.perf_counter()
    ran = subprocess.run([str(BINARY), "-vv", *arguments, "--url", url], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - begun
    if ran.returncode != 0:
        raise SystemExit(f"{arguments}: {ran.stderr}")
    return seconds, re.findall(r"debug: (\S+ \S+ -> \d+ in \d+ ms)", ran.stderr)


def measure(title, arguments, near, far, version, before=None):
    times = {near: [], far: []}
    for _ in range(ROUNDS):
        for url in (near, far):
            if before:
                timed(url, before)
            seconds, requests = timed(url, arguments)
            times[url].append(seconds)
    near, far = (statistics.median(times[url]) * 1000 for url in (near, far))
    print(f"\n{title}, {version}: {near:.0f} ms near, {far:.0f} ms far: {(far - near) / (2 * EACH_WAY):.1f} round trips")
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
        measure("create, with a kept session and a known role", ["create", "--role-id", "2"], near, far, version, before=["login"])
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
