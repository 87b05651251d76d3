"""Runs swp-keys against a real Tomcat with a self-signed certificate from keytool, which names its host in the CN only.

Run by ../tomcat.sh, which sets TOMCAT_HOME and compiles the servlet. The servlet simulates the manager. TLS, HTTP, cookies, error pages
and start-up are Tomcat's own.
"""

import json
import os
import pty
import re
import secrets
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import ssl
from pathlib import Path

HERE = Path(__file__).parent
TOMCAT = Path(os.environ["TOMCAT_HOME"])
CLASSES = Path(os.environ["MANAGER_CLASSES"])
BINARY = os.environ["SWP_KEYS_BINARY"]
SECRET = re.compile(r"\d+:[A-Za-z0-9+/]{43}=")
PIN = re.compile(r"--tls-pin (sha256:[0-9a-f]{64})")
DEADLINE = 90


def check(holds, what):
    """Like `assert`, but not removed by `python -O`."""
    if not holds:
        raise SystemExit(f"Tomcat: {what}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(holds, what):
    """Polls until `holds` returns a true value, and returns that."""
    deadline = time.monotonic() + DEADLINE
    while not (value := holds()):
        check(time.monotonic() < deadline, f"timed out: {what}")
        time.sleep(0.05)
    return value


class Tomcat:
    """A Tomcat with its own folder. It can be stopped, killed and started again at the same address."""

    def __init__(self, folder):
        self.folder = folder
        self.port, self.closing_port = free_port(), free_port()
        self.password, self.keystore_password = secrets.token_hex(12), secrets.token_hex(12)
        self.process = None
        for name in ("conf", "logs", "temp", "webapps", "work", "manager"):
            (folder / name).mkdir()
        shutil.copy(HERE / "server.xml", folder / "conf")
        self.keytool("-genkeypair", "-alias", "tomcat", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=dsm.example.com", "-validity", "3650")

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    def keytool(self, *arguments):
        store = self.folder / "manager" / "keystore.p12"
        command = ["keytool", *arguments, "-keystore", store, "-storetype", "PKCS12", "-storepass:env", "KEYSTORE_PASSWORD"]
        environment = os.environ | {"KEYSTORE_PASSWORD": self.keystore_password}
        subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def deploy(self):
        """Deploys the application with one rename, so that Tomcat never sees a part of it."""
        web = self.folder / "temp" / "ROOT" / "WEB-INF"
        web.mkdir(parents=True)
        shutil.copy(HERE / "web.xml", web)
        shutil.copytree(CLASSES, web / "classes")
        (self.folder / "temp" / "ROOT").rename(self.folder / "webapps" / "ROOT")

    def start(self):
        properties = {
            "catalina.home": TOMCAT,
            "catalina.base": self.folder,
            "java.io.tmpdir": self.folder / "temp",
            "manager.folder": self.folder / "manager",
            "manager.password": self.password,
            "manager.keystore.password": self.keystore_password,
            "manager.port": self.port,
            "manager.port.closing": self.closing_port,
        }
        # The argument list of the simulated manager is public; its password protects nothing.
        options = [f"-D{name}={value}" for name, value in properties.items()]
        classes = f"{TOMCAT}/bin/bootstrap.jar:{TOMCAT}/bin/tomcat-juli.jar"
        with open(self.folder / "logs" / "out.log", "ab") as log:
            command = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", *options, "-cp", classes, "org.apache.catalina.startup.Bootstrap", "start"]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def listens(self):
        check(self.process.poll() is None, f"exited:\n{(self.folder / 'logs' / 'out.log').read_text()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(DEADLINE)

    def requests(self):
        """The requests that reached the application, in order."""
        log = self.folder / "manager" / "requests.log"
        return log.read_text().splitlines() if log.exists() else []

    def access_log(self):
        """The responses of Tomcat, including those to requests that no application handled."""
        log = self.folder / "logs" / "access.log"
        return log.read_text().splitlines() if log.exists() else []

    def live_keys(self):
        """The secrets of the keys that were not deleted, by ID."""
        log, live = self.folder / "manager" / "keys.log", {}
        for line in log.read_text().splitlines() if log.exists() else []:
            key = json.loads(line)
            if key.get("deleted"):
                live.pop(key["ID"], None)
            elif "secretKey" in key:
                live[key["ID"]] = key["secretKey"]
        return live

    def switch(self, name):
        return self.folder / "manager" / name


class Client:
    """swp-keys with its own home folder."""

    def __init__(self, tomcat, folder):
        self.tomcat, self.folder = tomcat, folder
        folder.mkdir()
        password = folder / "password"
        password.touch(0o600)
        password.write_text(tomcat.password + "\n")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SWP_URL": tomcat.url,
            "SWP_USERNAME": "admin",
            "SWP_PASSWORD_FILE": str(password),
            # A killed server executes no late request.
            "SWP_SETTLE_TIMEOUT": "2s",
        }

    def start(self, *arguments, **variables):
        return subprocess.Popen(
            [BINARY, *arguments],
            env=self.environment | variables,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, expected, *arguments, **variables):
        process = self.start(*arguments, **variables)
        return self.finish(process, expected, arguments)

    def finish(self, process, expected, arguments):
        stdout, stderr = process.communicate(timeout=DEADLINE)
        check(process.returncode == expected, f"exit code {process.returncode} instead of {expected}: {arguments}\n{stdout}{stderr}")
        return stdout, stderr

    def on_a_terminal(self, expected, answers, *arguments):
        """Runs in a new terminal. `answers` are pairs of a text to wait for and a line to type."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(BINARY, [BINARY, *arguments], self.environment)
        shown, answers, deadline = "", list(answers), time.monotonic() + DEADLINE
        while True:
            check(time.monotonic() < deadline, f"timed out on a terminal:\n{shown}")
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                read = os.read(terminal, 4096)
            except OSError:
                break
            if not read:
                break
            shown += read.decode(errors="replace")
            if answers and answers[0][0] in shown:
                os.write(terminal, answers.pop(0)[1].encode() + b"\n")
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        check(code == expected, f"exit code {code} instead of {expected} on a terminal:\n{shown}")
        check(not answers, f"the terminal did not show {answers}:\n{shown}")
        return shown


def works(tomcat, secret):
    """Uses a secret once and returns the ID of its key. The certificate is not checked here."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    headers = {"api-version": "v1", "api-secret-key": secret}
    request = urllib.request.Request(f"{tomcat.url}/api/apikeys/current", headers=headers)
    with urllib.request.urlopen(request, context=context) as response:
        return json.load(response)["ID"]


def one_secret(tomcat, stdout):
    secret = stdout.rstrip("\n")
    check(SECRET.fullmatch(secret), "stdout is not one secret")
    check(works(tomcat, secret) in tomcat.live_keys(), "the secret belongs to no existing key")
    return secret


def unknown_certificate(tomcat, client):
    """Nothing is sent to an untrusted manager, and the message contains the pin that works."""
    before = len(tomcat.requests())
    _, stderr = client.run(7, "create", "--role", "Auditor")
    pin = PIN.search(stderr)
    check(pin, f"the message offers no pin:\n{stderr}")
    check("--ca-cert" not in stderr, f"the message offers --ca-cert for a certificate that names no host:\n{stderr}")
    check(tomcat.requests()[before:] == [], "something was sent to an untrusted manager")
    return pin[1]


def main_job(tomcat, client):
    """Sends four requests with both cookies, because the servlet finds its session by Tomcat's JSESSIONID."""
    before = len(tomcat.requests())
    stdout, _ = client.run(0, "create", "--role", "Auditor")
    sent = tomcat.requests()[before:]
    one_secret(tomcat, stdout)
    calls = ["POST /api/sessions", "POST /api/roles/search", "POST /api/apikeys", "DELETE /api/sessions/current"]
    check(sent == calls, f"the requests are {sent}")


def wrong_pin(tomcat, client):
    before = len(tomcat.requests())
    client.run(7, "create", "--role", "Auditor", SWP_TLS_PIN="sha256:" + "0" * 64)
    check(tomcat.requests()[before:] == [], "something was sent although the pin is wrong")


def one_connection_for_each_response(tomcat, client):
    stdout, _ = client.run(0, "create", "--role", "Auditor", SWP_URL=f"https://localhost:{tomcat.closing_port}")
    one_secret(tomcat, stdout)


def first_use(tomcat, client, pin):
    """The certificate is confirmed once on a terminal and its key is pinned."""
    shown = client.on_a_terminal(0, [("yes", "yes")], "create", "--role", "Auditor", "--out-file", "first.key")
    check(pin.removeprefix("sha256:")[:8] in shown.lower().replace(":", ""), f"the fingerprint is not shown:\n{shown}")
    one_secret(tomcat, (client.folder / "first.key").read_text())
    stdout, _ = client.run(0, "create", "--role", "Auditor")
    one_secret(tomcat, stdout)
    stdout, _ = client.run(0, "trust", "list", "-o", "json")
    check(pin in stdout, f"the pin was not stored: {stdout}")


def login_page(tomcat, client):
    """The console's address is a usage error. A redirect to it is not followed and is not a refused sign-in."""
    client.run(2, "list-roles", SWP_URL=f"{tomcat.url}/SignIn.screen")
    tomcat.switch("login-page").touch()
    before = len(tomcat.requests())
    process = client.start("create", "--role", "Auditor", "-o", "json")
    stdout, stderr = process.communicate(timeout=DEADLINE)
    tomcat.switch("login-page").unlink()
    check(process.returncode not in (0, 4), f"exit code {process.returncode} for a redirect to the sign-in page:\n{stderr}")
    check(stdout == "", "stdout is not empty")
    check("GET /SignIn.screen" not in tomcat.requests()[before:], "a redirect was followed")
    # Two refused sign-ins would stop this run.
    stdout, _ = client.run(0, "create", "--role", "Auditor")
    one_secret(tomcat, stdout)


def cold_start(tomcat, client):
    """The password is sent neither while connections are refused nor while Tomcat runs without its application."""
    process = client.start("create", "--role", "Auditor", "--wait", "80s", "-o", "json")
    tomcat.start()
    until(lambda: any(" 404 " in line for line in tomcat.access_log()), "no probe reached the starting Tomcat")
    check(not any("/api/sessions" in line for line in tomcat.access_log()), "the password was sent to a Tomcat that was starting")
    tomcat.deploy()
    stdout, _ = client.finish(process, 0, "create --wait")
    check(works(tomcat, json.loads(stdout)["secretKey"]) in tomcat.live_keys(), "the secret belongs to no existing key")


def killed_server(tomcat, client):
    """The server exits after it stored a key and before it responds. `recover` delivers a new secret for that key."""
    before = set(tomcat.live_keys())
    tomcat.switch("halt-after-create").touch()
    stdout, stderr = client.run(11, "create", "--role", "Auditor", "-o", "json")
    check(stdout == "" and json.loads(stderr.splitlines()[-1])["error"]["exit"] == 11, f"no error document: {stderr}")
    tomcat.process.wait(DEADLINE)
    left = set(tomcat.live_keys()) - before
    check(len(left) == 1, f"{len(left)} keys were created")
    tomcat.start()
    until(tomcat.listens, "Tomcat did not start again")
    stdout, _ = client.run(0, "recover", "--yes", "--out-file", "recovered.key", "--wait", "60s")
    one_secret(tomcat, (client.folder / "recovered.key").read_text())
    check(set(tomcat.live_keys()) == before | left, "recover created or deleted another key")
    stdout, _ = client.run(0, "recover")
    check(set(tomcat.live_keys()) == before | left, "a second recover changed something")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        (scratch / "tomcat").mkdir()
        tomcat = Tomcat(scratch / "tomcat")
        client = Client(tomcat, scratch / "client")
        newcomer = Client(tomcat, scratch / "newcomer")
        try:
            tomcat.deploy()
            tomcat.start()
            until(tomcat.listens, "Tomcat did not start")
            pin = unknown_certificate(tomcat, client)
            client.environment["SWP_TLS_PIN"] = pin
            main_job(tomcat, client)
            wrong_pin(tomcat, client)
            one_connection_for_each_response(tomcat, client)
            first_use(tomcat, newcomer, pin)
            login_page(tomcat, client)
            killed_server(tomcat, client)
            tomcat.stop()
            shutil.rmtree(tomcat.folder / "webapps" / "ROOT")
            (tomcat.folder / "logs" / "access.log").unlink()
            cold_start(tomcat, client)
        finally:
            tomcat.stop()
    print(f"passed {len(CHECKS)} checks against Tomcat: {', '.join(CHECKS)}")


CHECKS = (
    "an unknown certificate",
    "the main job with a pin",
    "a wrong pin",
    "a connection for each response",
    "first use on a terminal",
    "the sign-in page",
    "a killed server",
    "a cold start",
)

if __name__ == "__main__":
    sys.exit(main())
