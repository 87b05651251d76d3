"""Types commands and Tab into real shells, and compares the arguments that the program then receives.

Run by .ci/shells.sh inside `swp-keys sandbox --`, which sets the environment this reads.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import installs
from terminal import Terminal

# The roles of the sandbox. The first four letters of a name select it. A shell that ran any part of a name would create the file `pwned`.
ROLES = pathlib.Path(__file__).with_name("roles.json")
NAMES = [role["name"] for role in json.loads(ROLES.read_text(encoding="utf-8"))]
# After so many failures, the rest of the cases is skipped, because a failure may take as long as the patience of the terminal.
MOST = 5
KEY = "zulu $(touch pwned)"
FILE = "kept $(touch pwned); it's.txt"
# bash itself does not quote all of a name with a dollar sign that follows `~/`.
HOME_FILE = "home `touch pwned`; it's.txt"

# Stands for the program in PATH: answers completions, and records the arguments of every other run.
PROGRAM = """#!/bin/sh
case $1 in
__complete | completions) exec "$BINARY" "$@" ;;
esac
for word; do printf '%s\\0' "$word"; done >"$RECORD.new"
mv "$RECORD.new" "$RECORD"
echo RECORDED
"""


def cases(home):
    """Yields the lines that are typed before Tab, and the arguments that the program must receive."""
    for line, arguments in [*names(), *words(), *paths(home), *commands()]:
        yield f"swp-keys {line}", arguments
    for start in ["true; swp-keys", "X=1 swp-keys", "./swp-keys", "~/swp-keys"]:
        yield f"{start} create --role alph", ["create", "--role", NAMES[0]]


def names():
    for name in NAMES:
        for quote in ["", "'", '"']:
            yield f"create --role {quote}{name[:4]}", ["create", "--role", name]
    yield "create --role=alph", ["create", f"--role={NAMES[0]}"]
    yield "create --name ü監 --role juli", ["create", "--name", "ü監", "--role", NAMES[9]]
    yield "delete-key zul", ["delete-key", KEY]
    yield "delete-key id:2", ["delete-key", "id:2"]


def words():
    yield "create-", ["create-key"]
    yield "pla", ["plan"]
    yield "help appl", ["help", "apply"]
    yield "create --if-exists rek", ["create", "--if-exists", "rekey"]


def paths(home):
    yield "create --out-file kep", ["create", "--out-file", FILE]
    yield "create --out-file ./kep", ["create", "--out-file", f"./{FILE}"]
    yield "create --out-file ~/hom", ["create", "--out-file", f"{home}/{HOME_FILE}"]
    yield "create --out-file $HOME/hom", ["create", "--out-file", f"{home}/{HOME_FILE}"]
    yield "create --out-file=kep", ["create", f"--out-file={FILE}"]
    yield "plan -f flee", ["plan", "-f", "fleet.toml"]
    yield "apply --file ~/flee", ["apply", "--file", f"{home}/fleet.toml"]
    yield "man --out-dir fol", ["man", "--out-dir", "folder"]


def commands():
    run = ["exec", "--role", "x", "--"]
    yield "exec --role x -- own-com", [*run, "own-command"]
    yield "exec --role x -- cat kep", [*run, "cat", FILE]
    yield "exec --role x '--' unknown", [*run, "unknown"]
    yield "exec --role x -- own-command --flag own-w", [*run, "own-command", "--flag", "own-word"]
    yield "exec --role x -- swp-keys create --role alph", [*run, "swp-keys", "create", "--role", NAMES[0]]


class Shell:
    """An interactive shell with the completion installed."""

    def __init__(self, install, home, environment):
        self.install, self.home = install, home
        self.record = home / "record"
        self.terminal = Terminal(install.command, home, {**environment, "HOME": str(home), "RECORD": str(self.record)})
        self.terminal.wait(lambda: b"READY> " in self.terminal.shown)

    def complete(self, typed):
        """Types the line, Tab and Enter. Returns the arguments of the program, or None if it did not run."""
        self.record.unlink(missing_ok=True)
        self.terminal.shown = b""
        self.terminal.type(f"{typed}\t{self.install.accept}\r")
        if not self.terminal.wait(self.is_back):
            return None
        # Some shells remove the slash that completion added to a folder.
        return [word.removesuffix("/") for word in self.record.read_bytes().decode().split("\0")[:-1]]

    def is_back(self):
        """Returns true if the program has run and the shell shows its prompt again."""
        return b"READY> " in self.terminal.shown.rpartition(b"RECORDED")[2] and self.record.exists()


def prepare(install, home, environment):
    """Writes the files of the shell and the files that are completed."""
    program = shutil.which("swp-keys", path=environment["PATH"])

    def script(shell):
        return subprocess.run(
            [environment["BINARY"], "completions", shell], check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    home.mkdir()
    installs.write(install.files(script), home)
    for name in [FILE, HOME_FILE, "fleet.toml", "fleet.txt", "folds.txt"]:
        (home / name).write_text("")
    (home / "folder").mkdir()
    (home / "swp-keys").symlink_to(program)


def problem_of(shell, received, wanted):
    """Returns what is wrong with a completion, or None."""
    made = list(shell.home.rglob("pwned"))
    for file in made:
        file.unlink()
    if made:
        return "a part of a name was run"
    if received != wanted:
        return f"the arguments are {received}, not {wanted}"
    if not shell.install.expands and str(shell.home).encode() in shell.terminal.shown:
        return "~ or $HOME was expanded in the line"
    return None


def check(install, scratch, environment):
    """Runs every case, and returns the number of failures. A failure may leave a line half typed, so a new shell follows it."""
    home = scratch / install.name.replace(" ", "-").replace(",", "")
    prepare(install, home, environment)
    shell, failures = None, 0
    for typed, wanted in cases(home):
        if typed.startswith(install.without) or failures == MOST:
            continue
        shell = shell or Shell(install, home, environment)
        problem = problem_of(shell, shell.complete(typed), wanted)
        if problem:
            failures += 1
            print(
                f"{install.name}: after `{typed}` and Tab, {problem}",
                repr(shell.terminal.screen()[-500:]),
                sep="\n  ",
                flush=True,
            )
            shell.terminal.close()
            shell = None
    if shell:
        shell.terminal.close()
    return failures


def base_environment(scratch):
    """Returns the environment of the shells: a key instead of the password, and the recording program first in PATH."""
    folder = scratch / "bin"
    folder.mkdir()
    for name, text in [("swp-keys", PROGRAM), ("own-command", "#!/bin/sh\n")]:
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    environment = {name: os.environ[name] for name in ["SWP_URL", "SWP_CA_CERT", "BINARY"]}
    key = scratch / "key"
    for file, name in [(key, "first"), (scratch / "second", KEY)]:
        create = [environment["BINARY"], "create", "--quiet", "--role-id", "1", "--allow-full-access"]
        subprocess.run([*create, "--name", name, "--out-file", file], check=True, stdout=subprocess.DEVNULL)
    return {
        **environment,
        "SWP_API_KEY_FILE": str(key),
        "PATH": f"{folder}:/usr/bin:/bin",
        "TERM": "xterm",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "HISTFILE": "/dev/null",
        # On Ubuntu, zsh otherwise runs compinit before the user's file.
        "skip_global_compinit": "1",
        "XDG_RUNTIME_DIR": str(scratch),
    }


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        environment = base_environment(scratch)
        for install in installs.INSTALLS:
            if install.name.startswith(wanted):
                found = check(install, scratch, environment)
                print(f"{install.name}: {'complete' if found == 0 else f'{found} failures'}", flush=True)
                failures += found
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
