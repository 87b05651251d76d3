"""swp-keys beside what people use instead, on the same work, against a server that none of them brings.

    python3 benches/peers/run.py [ROUNDS]          30 rounds, at least, where nothing is said

Builds the release, starts nginx with canned answers (nginx.conf) on ports of its own, and runs the contestants in turns: all of them
for the medians, and two by two for the ratios. Needs nginx with its JavaScript module, gcc with OpenSSL's headers, curl, jq and GNU
time (Debian: nginx libnginx-mod-http-js gcc libssl-dev curl jq time), and the vendor's SDK in the Python that .ci/tools.sh installs.
Prints medians, ratios pair by pair, peak memory, and what nginx logged.
"""

import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
MODULES = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules"]
PASSWORD = "Sandbox-Passw0rd!"


def run(*command, **more):
    """A step that must succeed; what it says is shown if it does not."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def first(paths, what):
    for path in paths:
        if Path(path).exists():
            return path
    raise SystemExit(f"{what} is not there")


def certificates(folder):
    """A CA and a certificate of its for localhost, RSA with 2048 bits; and the system's bundle with that CA at its end."""
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-sha256"]
    run(*new, "-x509", "-days", "30", "-subj", "/CN=Bench CA", "-keyout", folder / "ca.key", "-out", folder / "ca.pem",
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign")
    run(*new, "-subj", "/CN=localhost", "-keyout", folder / "server.key", "-out", folder / "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    run("openssl", "x509", "-req", "-days", "30", "-sha256", "-in", folder / "server.csr", "-CA", folder / "ca.pem",
        "-CAkey", folder / "ca.key", "-CAcreateserial", "-extfile", folder / "names", "-out", folder / "server.pem")
    bundle = Path(first(BUNDLES, "the system's bundle of certificates")).read_text()
    (folder / "bundle.pem").write_text(bundle + "\n" + (folder / "ca.pem").read_text())


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Server:
    """nginx, with a port for each contestant."""

    def __init__(self, folder, count):
        self.folder = folder
        self.ports = free_ports(count)
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if not nginx:
            raise SystemExit("nginx is not there (Debian: apt-get install nginx libnginx-mod-http-js)")
        listen = "\n".join(f"listen 127.0.0.1:{port} ssl;" for port in self.ports)
        text = (HERE / "nginx.conf").read_text()
        for name, value in [("LISTEN", listen), ("FOLDER", folder), ("HERE", HERE), ("MODULES", first(MODULES, "nginx's modules"))]:
            text = text.replace(f"@{name}@", str(value))
        (folder / "nginx.conf").write_text(text)
        self.process = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
        deadline = time.monotonic() + 10
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("nginx does not start: " + (folder / "error.log").read_text())

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.ports[0])).close()
            return True
        except OSError:
            return False

    def seen(self, port):
        """The connections on which there were requests, the requests, and those that were not answered with 200."""
        lines = [line.split() for line in (self.folder / "access.log").read_text().splitlines()]
        lines = [line for line in lines if line[0] == str(port)]
        return len({line[1] for line in lines}), len(lines), sum(line[4] != "200" for line in lines)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Contestant:
    """A command line, run as a whole process."""

    def __init__(self, name, port, command, environment=None):
        self.name, self.port, self.command = name, port, [str(part) for part in command]
        self.environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **(environment or {})}
        self.seconds, self.runs, self.peak = [], 0, 0

    def turn(self):
        """One run, and its time from start to end."""
        return self.run(self.command)

    def weigh(self, scratch):
        """What its largest process holds at most. By GNU time: a child's peak begins with that of the process it was forked from."""
        self.run(["time", "-f", "%M", "-o", scratch, *self.command])
        self.peak = int(scratch.read_text()) / 1024

    def run(self, command):
        """From the call that starts the process to its end. Spawned without Python's subprocess, whose own work is most of a millisecond."""
        self.runs += 1
        stdout, theirs = os.pipe()
        # In memory: a file would have the disk write, and that is measured.
        with open(os.memfd_create("stderr"), "w+b") as stderr, open(stdout, "rb") as stdout:
            actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, theirs, 1),
                       (os.POSIX_SPAWN_DUP2, stderr.fileno(), 2)]
            begun = time.perf_counter()
            process = os.posix_spawnp(command[0], command, self.environment, file_actions=actions)
            os.close(theirs)
            answer = stdout.read()
            _, status = os.waitpid(process, 0)
            seconds = time.perf_counter() - begun
            stderr.seek(0)
            if status != 0 or not answer.startswith(b"8:"):
                raise SystemExit(f"{self.name} failed ({os.waitstatus_to_exitcode(status)}): {answer!r} {stderr.read().decode()}")
        return seconds

    def median(self):
        return statistics.median(self.seconds) * 1000


def contestants(folder, ports, binary, python):
    """Everybody, by a short name."""
    url = [f"https://localhost:{port}" for port in ports]
    password, ca = folder / "password", folder / "ca.pem"
    memory = Path("/dev/shm")
    memory = Path(tempfile.mkdtemp(dir=memory)) if memory.is_dir() else folder / "memory"

    def ours(port, state, *more):
        return [binary, "create", "--role", "Auditor", "--expires", "90d", "--url", url[port], "--username", "admin",
                "--password-file", password, *more], {"SWP_STATE_DIR": str(state)}

    command, environment = ours(0, folder / "state", "--ca-cert", ca)
    everybody = {"ours": Contestant("swp-keys, --ca-cert", ports[0], command, environment)}
    command, environment = ours(1, memory, "--ca-cert", ca)
    everybody["memory"] = Contestant("swp-keys, --ca-cert, state in memory", ports[1], command, environment)
    command, environment = ours(2, folder / "state")
    environment |= {"SSL_CERT_FILE": str(folder / "bundle.pem")}
    everybody["roots"] = Contestant("swp-keys, the system's roots", ports[2], command, environment)
    run("gcc", "-O2", "-o", folder / "one_connection", HERE / "one_connection.c", "-lssl", "-lcrypto")
    by_hand = [folder / "one_connection", "localhost"]
    everybody["c"] = Contestant("C and OpenSSL, CA file", ports[3], [*by_hand, ports[3], password, ca])
    everybody["c roots"] = Contestant("C and OpenSSL, the system's roots", ports[4], [*by_hand, ports[4], password],
                                      {"SSL_CERT_FILE": str(folder / "bundle.pem")})
    everybody["curl"] = Contestant("curl three times, with jq", ports[5], ["sh", HERE / "curl.sh", url[5], password, ca])
    everybody["sdk"] = Contestant("the vendor's SDK, with a key", ports[6], [python, HERE / "sdk.py", url[6], ca])
    return everybody, memory


GOALS = [("ours", "curl", 0.10), ("ours", "sdk", 0.03), ("ours", "c", 0.6), ("memory", "c", 0.6), ("roots", "c", 1.0), ("roots", "c roots", 1.0)]


def compare(one, other, rounds):
    """The two in turns, and nothing between them: behind a third one the processor's caches are full of that. Seconds of both, pair by pair."""
    pairs = []
    for number in range(rounds + 1):
        turns = [one, other]
        random.Random(number).shuffle(turns)
        seconds = {each.name: each.turn() for each in turns}
        # The first pair warms up.
        if number > 0:
            pairs.append((seconds[one.name], seconds[other.name]))
    return pairs


def report(everybody, server, compared):
    print(f"\n{'':38}{'median':>9}{'quickest':>10}{'peak':>10}{'connections':>13}{'requests':>10}")
    for each in everybody.values():
        connections, requests, refused = server.seen(each.port)
        print(f"{each.name:38}{each.median():6.1f} ms{min(each.seconds) * 1000:7.1f} ms{each.peak:6.1f} MiB"
              f"{connections / each.runs:13g}{requests / each.runs:10g}" + (f"  ({refused} not answered with 200)" if refused else ""))
    print("\npair by pair, the median of the ratios, and half of them between:")
    for (one, other, goal), pairs in zip(GOALS, compared):
        low, ratio, high = statistics.quantiles((mine / theirs for mine, theirs in pairs), n=4)
        mine, theirs = (statistics.median(seconds) * 1000 for seconds in zip(*pairs))
        verdict = "reached" if ratio <= goal else "missed"
        print(f"  {everybody[one].name} / {everybody[other].name}: {mine:.1f} / {theirs:.1f} ms, {ratio:.3f} ({low:.2f} to {high:.2f}; goal {goal}: {verdict})")


def in_turns(everybody, rounds):
    """All of them, each round in another order."""
    for number in range(rounds + 1):
        order = list(everybody.values())
        random.Random(number).shuffle(order)
        for each in order:
            seconds = each.turn()
            # The first round warms up.
            if number > 0:
                each.seconds.append(seconds)


def main():
    rounds = max(30, int(sys.argv[1])) if len(sys.argv) > 1 else 30
    run("cargo", "build", "--release", "--locked", cwd=REPOSITORY)
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    tools = "source .ci/lib.sh; source .ci/tools.sh; need_python_tools >&2; printf %s \"$python\""
    python = subprocess.run(["bash", "-euc", tools], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True).stdout
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificates(folder)
        (folder / "password").touch(mode=0o600)
        (folder / "password").write_text(PASSWORD)
        server = Server(folder, 7)
        # As it is installed: what the linker wrote lies in the system's memory page by page, a copy in larger pieces.
        binary = shutil.copy2(target / "release" / "swp-keys", folder)
        everybody, memory = contestants(folder, server.ports, binary, python)
        try:
            in_turns(everybody, rounds)
            compared = [compare(everybody[one], everybody[other], rounds) for one, other, _ in GOALS]
            for each in everybody.values():
                each.weigh(folder / "peak")
            report(everybody, server, compared)
        finally:
            server.stop()
            shutil.rmtree(memory, ignore_errors=True)


if __name__ == "__main__":
    main()
