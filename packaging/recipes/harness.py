"""What the recipes share: the blocks of a page, a home folder, servers, and checks of keys and secrets."""

import json
import os
import socket
import subprocess
import time
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


class Failed(Exception):
    """A recipe does not work as its page describes."""


class Skipped(Exception):
    """A recipe needs a program that cannot be installed here."""


def expect(condition, message):
    if not condition:
        raise Failed(message)


def blocks(page, heading, language=None):
    """Returns the code blocks of a section, optionally only those of one language."""
    lines = iter((DOCS / page).read_text().splitlines())
    found, current = [], None
    for line in lines:
        if line.startswith("```"):
            block = []
            for inner in lines:
                if inner == "```":
                    break
                block.append(inner)
            if current == heading and language in (None, line[3:]):
                found.append("\n".join(block) + "\n")
        elif line.startswith("#"):
            current = line.lstrip("#").strip()
    expect(found, f"{page} has no such block: {heading}, {language}")
    return found


class Recipe:
    """One run of a recipe: its folder, which is also its home, and its environment."""

    def __init__(self, folder):
        self.folder = folder
        self.servers = []
        self.password = Path(os.environ["SWP_PASSWORD_FILE"]).read_text().strip()
        self.env = dict(os.environ, HOME=str(folder), PWD=str(folder))

    def path(self, name):
        return self.folder / name

    def write(self, name, text, mode=0o600):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def adapt(self, text, **replacements):
        """Returns a text of a page with the manager, the password file and other values of this run."""
        shown = {"https://dsm.example.com:4119": self.env["SWP_URL"], "/run/secrets/dsm": self.env["SWP_PASSWORD_FILE"], **replacements}
        for old, new in shown.items():
            text = text.replace(old, str(new))
        return text

    def run(self, *command, code=0, env=None, stdin=None):
        """Runs a command in the folder and returns its output. Another exit code than `code` is a failure."""
        ran = subprocess.run([str(word) for word in command], cwd=self.folder, env=self.env | (env or {}), input=stdin, text=True,
                             stdin=None if stdin else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expect(ran.returncode == code, f"exit code {ran.returncode} instead of {code}: {command}\n{ran.stdout}\n{ran.stderr}")
        return Output(ran.stdout, ran.stderr)

    def shell(self, script, **options):
        return self.run("sh", "-eu", "-c", script, **options)

    def swp_keys(self, *arguments, **options):
        return json.loads(self.run("swp-keys", *arguments, "-o", "json", **options).stdout)

    def keys(self):
        """Returns the keys on the manager by name."""
        return {key["keyName"]: key for key in self.swp_keys("list-keys")["apiKeys"]}

    def check_secret(self, secret, name=None):
        """Checks that a secret works, and that it belongs to the key with this name."""
        self.write("checked", secret.rstrip("\n"))
        self.swp_keys("verify-key", "--key-file", self.path("checked"))
        self.path("checked").unlink()
        # The sandbox makes secrets that begin with the ID of their key.
        expect(name is None or secret.startswith(f"{self.keys()[name]['ID']}:"), f"the secret is not that of the key {name}")

    def expect_private(self, what, text, *secrets):
        """Checks that a text contains neither the password nor a secret."""
        for secret in (self.password, *secrets):
            expect(secret.strip() not in text, f"{what} contains a secret")

    def serve(self, *command, port, **env):
        """Starts a server and waits until it accepts connections. It is stopped after the recipe."""
        log = open(self.path(f"{Path(command[0]).name}.log"), "w")
        server = subprocess.Popen(command, cwd=self.folder, env=self.env | env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.servers.append(server)
        for _ in range(300):
            expect(server.poll() is None, f"{command[0]} did not start: {Path(log.name).read_text()}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise Failed(f"{command[0]} did not start within 30 seconds")

    def stop_servers(self):
        for server in self.servers:
            server.terminate()
            server.wait()


class Output:
    def __init__(self, stdout, stderr):
        self.stdout, self.stderr = stdout, stderr
        self.text = stdout + stderr


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check_convergence(recipe, page, heading, manifest, read):
    """Applies the manifest of a secret store twice. Only the first run changes something. `read` returns the secret of a key."""
    script, command = blocks(page, heading, "sh")
    recipe.write("if-found", script, 0o700)
    recipe.write("keys.toml", manifest)
    expect(recipe.shell(command).stdout.strip() == "true", "the first run changed nothing")
    secrets = {name: read(name) for name in recipe.keys() if name in ("reporting", "siem")}
    expect(len(secrets) == 2, "not all keys exist")
    for name, secret in secrets.items():
        recipe.check_secret(secret, name)
    before = recipe.keys()
    second = recipe.shell(command)
    expect(second.stdout.strip() == "false", f"the second run changed something: {second.text}")
    for name, secret in secrets.items():
        expect(read(name) == secret, "the second run replaced a secret")
        expect(recipe.keys()[name]["expiryDate"] == before[name]["expiryDate"], "the second run changed an expiry")
    return secrets
