"""Compares swp-keys with its alternatives: the same work, against the same nginx.

    python3 benches/peers/run.py [ROUNDS]          30 rounds by default and at least

Installs what it needs (need_peers in .ci/tools.sh), builds the release, and starts nginx with fixed responses (nginx.conf). Then it runs
all contestants in turns for the medians, and two at a time for the ratios. Prints medians, ratios of pairs, peak memory, and the
connections and requests that nginx logged.
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

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import need

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
BUNDLES = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
PASSWORD = "Sandbox-Passw0rd!"


def run(*command, **more):
    """Runs a step that must succeed, and returns its output."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def system_roots():
    """The text of the system's certificate bundle."""
    for path in map(Path, BUNDLES):
        if path.exists():
            return path.read_text()
    raise SystemExit(f"the system's certificates are not in any of {', '.join(BUNDLES)}")


def certificates(folder):
    """Makes a CA, its certificate for localhost (RSA, 2048 bits), and the system's bundle with that CA at the end."""
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-sha256"]
    run(*new, "-x509", "-days", "30", "-subj", "/CN=Bench CA", "-keyout", folder / "ca.key", "-out", folder / "ca.pem",
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign")
    run(*new, "-subj", "/CN=localhost", "-keyout", folder / "server.key", "-out", folder / "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    run("openssl", "x509", "-req", "-days", "30", "-sha256", "-in", folder / "server.csr", "-CA", folder / "ca.pem",
        "-CAkey", folder / "ca.key", "-CAcreateserial", "-extfile", folder / "names", "-out", folder / "server.pem")
    (folder / "bundle.pem").write_text(system_roots() + "\n" + (folder / "ca.pem").read_text())


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Server:
    """nginx, with a port for each contestant."""

    def __init__(self, folder, count, modules):
        self.folder = folder
        self.ports = free_ports(count)
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        listen = "\n".join(f"listen 127.0.0.1:{port} ssl;" for port in self.ports)
        text = (HERE / "nginx.conf").read_text()
        for name, value in [("LISTEN", listen), ("FOLDER", folder), ("HERE", HERE), ("MODULES", modules)]:
            text = text.replace(f"@{name}@", str(value))
        (folder / "nginx.conf").write_text(text)
        self.process = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
        deadline = time.monotonic() + 10
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("nginx did not start: " + (folder / "error.log").read_text())

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.ports[0])).close()
            return True
        except OSError:
            return False

    def traffic(self, port):
        """The number of connections with requests, of requests, and of responses other than 200."""
        lines = [line.split() for line in (self.folder / "access.log").read_text().splitlines()]
        lines = [line for line in lines if line[0] == str(port)]
        return len({line[1] for line in lines}), len(lines), sum(line[4] != "200" for line in lines)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Contestant:
    """A command line that is run as a process."""

    def __init__(self, name, port, command, environment=None):
        self.name, self.port, self.command = name, port, [str(part) for part in command]
        self.environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **(environment or {})}
        self.seconds, self.runs, self.peak = [], 0, 0

    def turn(self):
        """Runs it once and returns the time."""
        return self.run(self.command)

    def weigh(self, scratch):
        """Measures the peak memory of its largest process. GNU time is used because a child inherits the peak of the process that forked it."""
        self.run(["time", "-f", "%M", "-o", scratch, *self.command])
        self.peak = int(scratch.read_text()) / 1024

    def run(self, command):
        """Returns the seconds from starting the process to its end. Python's subprocess would add most of a millisecond."""
        self.runs += 1
        stdout, theirs = os.pipe()
        # In memory, so that no disk write is measured.
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
    """All contestants by a short name, and a state folder in memory."""
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


GOALS = [("ours", "curl", 0.10), ("ours", "sdk", 0.03), ("ours", "c", 0.8), ("memory", "c", 0.8), ("roots", "c", 1.0), ("roots", "c roots", 1.0)]


def compare(one, other, rounds):
    """Runs the two in turns and returns the seconds of each pair. A third contestant in between would fill the processor's caches."""
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
        connections, requests, refused = server.traffic(each.port)
        print(f"{each.name:38}{each.median():6.1f} ms{min(each.seconds) * 1000:7.1f} ms{each.peak:6.1f} MiB"
              f"{connections / each.runs:13g}{requests / each.runs:10g}" + (f"  ({refused} responses other than 200)" if refused else ""))
    print("\nratios of pairs: the median, and the range of the middle half")
    for (one, other, goal), pairs in zip(GOALS, compared):
        low, ratio, high = statistics.quantiles((mine / theirs for mine, theirs in pairs), n=4)
        mine, theirs = (statistics.median(seconds) * 1000 for seconds in zip(*pairs))
        verdict = "reached" if ratio <= goal else "missed"
        print(f"  {everybody[one].name} / {everybody[other].name}: {mine:.1f} / {theirs:.1f} ms, {ratio:.3f} ({low:.2f} to {high:.2f}; goal {goal}: {verdict})")


def in_turns(everybody, rounds):
    """Runs all of them, in another order each round."""
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
    [modules] = need("need_peers", "nginx_modules")
    [python] = need("need_python_tools", "python")
    run("cargo", "build", "--release", "--locked", cwd=REPOSITORY)
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificates(folder)
        (folder / "password").touch(mode=0o600)
        (folder / "password").write_text(PASSWORD)
        server = Server(folder, 7, modules)
        # A copy, as an installation makes one: a file that the linker has just written is in the page cache in smaller pieces.
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
