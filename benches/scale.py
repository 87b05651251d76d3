"""Measures how cost grows with the number of keys and roles: first the commands, then the sandbox itself.

    python3 benches/scale.py              needs the release build; installs GNU time and wrk

The figures of the sandbox are for open connections over TLS. They include the work of wrk.
"""

import json
import os
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from tools import need

REPOSITORY = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release" / "swp-keys"
SIZES = [(100, 10), (10_000, 100), (100_000, 1_000)]


def search(field, name):
    return json.dumps({"searchCriteria": [{"fieldName": field, "stringTest": "equal", "stringValue": name}], "maxItems": 2})


def signed_in():
    """Signs in and returns the headers of the session."""
    password = Path(os.environ["SWP_PASSWORD_FILE"]).read_text().strip()
    request = urllib.request.Request(
        os.environ["SWP_URL"] + "/api/sessions", json.dumps({"userName": os.environ["SWP_USERNAME"], "password": password}).encode(),
        {"Content-Type": "application/json", "api-version": "v1"},
    )
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=os.environ["SWP_CA_CERT"])) as answer:
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        return {"Cookie": cookie, "rID": json.load(answer)["RID"], "Content-Type": "application/json", "api-version": "v1"}


def load(folder, title, path, body, headers, connections):
    script = folder / "wrk.lua"
    lines = [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in headers.items()]
    script.write_text('wrk.method = "POST"\n' + "\n".join(lines) + f"\nlocal n = 0\nfunction request()\n  n = n + 1\n"
                      f"  return wrk.format(nil, {json.dumps(path)}, nil, (string.gsub({json.dumps(body)}, 'NUMBER', n)))\nend\n")
    report = subprocess.run(["wrk", "-t1", f"-c{connections}", "-d5s", "--latency", "-s", script, os.environ["SWP_URL"]],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout
    if "Non-2xx" in report or "Socket errors" in report:
        raise SystemExit(report)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", report)[1])
    middle, worst = re.search(r"50%\s+(\S+)", report)[1], re.search(r"99%\s+(\S+)", report)[1]
    print(f"    {title:42}{connections:3} connections {rate:9.0f}/s, median {middle}, 99th percentile {worst}")


def command(*arguments, refused=False):
    """Prints the median time and the peak memory of three runs. A response that is too large is `refused` (exit code 1)."""
    times, peaks = [], []
    # The program refuses to write a secret to /dev/null, so stdout is a file.
    with tempfile.NamedTemporaryFile("r") as figures, tempfile.TemporaryFile() as out:
        for _ in range(3):
            ran = subprocess.run(["time", "-q", "-f", "%e %M", "-o", figures.name, str(BINARY), *arguments],
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE if refused else None)
            if ran.returncode != (1 if refused else 0):
                raise SystemExit(f"{arguments} exited with {ran.returncode}")
            figures.seek(0)
            seconds, peak = figures.read().split()
            times.append(float(seconds))
            peaks.append(int(peak))
    print(f"    swp-keys {' '.join(arguments):48}{statistics.median(times):7.2f} s {max(peaks) / 1024:7.1f} MiB"
          + ("  refused" if refused else ""))


def commands(keys):
    command("list-keys", "-o", "jsonl")
    command("list-keys", "-o", "json", refused=keys > 50_000)
    command("list-roles", "-o", "jsonl")
    command("find-role", "role-000009")
    command("create", "--expires", "90d", "--role", "Auditor")


def sandbox(keys, roles):
    headers = signed_in()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        load(folder, f"find one of {roles} roles by name", "/api/roles/search", search("name", f"role-{roles:06}"), headers, 1)
        load(folder, f"find one of {keys} keys by name", "/api/apikeys/search", search("keyName", f"key-{keys:06}"), headers, 1)
        load(folder, "create keys", "/api/apikeys", json.dumps({"keyName": "first-NUMBER", "roleID": 2}), headers, 1)
        # All connections share one thread of wrk and its counter, so each name is unique.
        load(folder, "create keys", "/api/apikeys", json.dumps({"keyName": "second-NUMBER", "roleID": 2}), headers, 8)
        status = Path(f"/proc/{os.getppid()}/status")
        if status.exists():
            peak = re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]
            print(f"    peak memory of the sandbox: {int(peak) / 1024:.0f} MiB")


def main():
    if sys.argv[1:2] == ["inside"]:
        keys, roles = int(sys.argv[2]), int(sys.argv[3])
        print(f"\n{keys} keys and {roles} roles:", flush=True)
        commands(keys)
        if (keys, roles) == SIZES[-1]:
            sandbox(keys, roles)
        return
    need("need_load_tools")
    for keys, roles in SIZES:
        subprocess.run([str(BINARY), "--quiet", "sandbox", "--many-keys", str(keys), "--many-roles", str(roles), "--rate-limit", "off",
                        "--sessions-max", "1000", "--", sys.executable, __file__, "inside", str(keys), str(roles)], check=True)


if __name__ == "__main__":
    main()
