"""How cost grows with keys and roles: commands against a manager with few and with many, and how quick the simulated one is itself.

    python3 benches/scale.py              needs the release build, GNU time and wrk (Debian: apt-get install time wrk)

The simulated manager's figures are with kept connections, as a client's are, and go through TLS and HTTP: wrk's own work is in them.
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

REPOSITORY = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release" / "swp-keys"
SIZES = [(100, 10), (10_000, 100), (100_000, 1_000)]


def search(field, name):
    return json.dumps({"searchCriteria": [{"fieldName": field, "stringTest": "equal", "stringValue": name}], "maxItems": 2})


def signed_in():
    """The headers of a session."""
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
    said = subprocess.run(["wrk", "-t1", f"-c{connections}", "-d5s", "--latency", "-s", script, os.environ["SWP_URL"]],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(said)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
    middle, worst = re.search(r"50%\s+(\S+)", said)[1], re.search(r"99%\s+(\S+)", said)[1]
    print(f"    {title:42}{connections:3} connections {rate:9.0f} a second, median {middle}, 99 of 100 within {worst}")


def command(*arguments, refused=False):
    """The median time of three runs, and what they held at most. What is too much to be held at once is `refused` (exit code 1)."""
    times, peaks = [], []
    # A secret is not given to /dev/null, so what is printed goes to a file.
    with tempfile.NamedTemporaryFile("r") as figures, tempfile.TemporaryFile() as out:
        for _ in range(3):
            ran = subprocess.run(["time", "-q", "-f", "%e %M", "-o", figures.name, str(BINARY), *arguments],
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE if refused else None)
            if ran.returncode != (1 if refused else 0):
                raise SystemExit(f"{arguments} exits with {ran.returncode}")
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
        load(folder, f"a role by its name, among {roles}", "/api/roles/search", search("name", f"role-{roles:06}"), headers, 1)
        load(folder, f"a key by its name, among {keys}", "/api/apikeys/search", search("keyName", f"key-{keys:06}"), headers, 1)
        load(folder, "keys made", "/api/apikeys", json.dumps({"keyName": "made-NUMBER", "roleID": 2}), headers, 1)
        # Each connection of wrk's one thread draws from the same numbers, so no name comes twice.
        load(folder, "keys made", "/api/apikeys", json.dumps({"keyName": "again-NUMBER", "roleID": 2}), headers, 8)
        status = Path(f"/proc/{os.getppid()}/status")
        if status.exists():
            peak = re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]
            print(f"    the sandbox held at most {int(peak) / 1024:.0f} MiB")


def main():
    if sys.argv[1:2] == ["inside"]:
        keys, roles = int(sys.argv[2]), int(sys.argv[3])
        print(f"\n{keys} keys and {roles} roles:", flush=True)
        commands(keys)
        if (keys, roles) == SIZES[-1]:
            sandbox(keys, roles)
        return
    for keys, roles in SIZES:
        subprocess.run([str(BINARY), "--quiet", "sandbox", "--many-keys", str(keys), "--many-roles", str(roles), "--rate-limit", "off",
                        "--sessions-max", "1000", "--", sys.executable, __file__, "inside", str(keys), str(roles)], check=True)


if __name__ == "__main__":
    main()
