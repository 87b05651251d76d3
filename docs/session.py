#!/usr/bin/env python3
"""Draws docs/session.svg: a real session of swp-keys, on a pseudo-terminal, against the simulated manager.

    python3 docs/session.py target/release/swp-keys > docs/session.svg

A shell runs the commands below. The manager is `swp-keys sandbox`; a proxy in this script leads dsm.example.com:4119 to it. What
differs from run to run (the pin, the fingerprint, dates, the home folder) is replaced by fixed values before the screen is drawn, so
that the same program always gives the same picture.
"""

import datetime
import fcntl
import hashlib
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from html import escape

COLUMNS = 112
# Commands, and for each what is typed when a text appears. None is the password.
SESSION = [
    ("export SWP_URL=https://dsm.example.com:4119 SWP_USERNAME=admin", []),
    (
        "swp-keys create --role Auditor --name reporting --expires 90d --out-file dsm.key",
        [("paste a fingerprint: ", "yes"), ("Password of admin at dsm.example.com:4119: ", None)],
    ),
    ("swp-keys verify-key --key-file dsm.key", []),
    ("swp-keys rotate-key reporting --overlap 48h --verify --out-file dsm.key --force", [("Password of admin at dsm.example.com:4119: ", None)]),
]
TIMEOUT = 30
PIN = hashlib.sha256(b"foo").hexdigest()
FINGERPRINT = hashlib.sha256(b"bar").hexdigest().upper()
FINGERPRINT = ":".join(FINGERPRINT[place : place + 2] for place in range(0, 64, 2))


def main():
    binary = os.path.abspath(sys.argv[1])
    home = tempfile.mkdtemp()
    sandbox = subprocess.Popen(
        [binary, "sandbox", "--certificate", "wrong-name"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        exports = dict(read_exports(sandbox.stdout, 4))
        with open(exports["SWP_PASSWORD_FILE"], encoding="utf-8") as file:
            password = file.read().rstrip("\n")
        port = int(exports["SWP_URL"].rsplit(":", 1)[1])
        stream = play(binary, home, start_proxy(port), password)
    finally:
        sandbox.send_signal(signal.SIGTERM)
        sandbox.wait(TIMEOUT)
        shutil.rmtree(home)
    print(draw(screen(normalised(stream, home))), end="")


def read_exports(lines, count):
    """The variables that the sandbox prints."""
    for _ in range(count):
        name, value = re.fullmatch(r"export (\w+)=(.*)", lines.readline().strip()).groups()
        yield name, value.strip("'")


def start_proxy(port):
    """A proxy that answers CONNECT and leads every connection to this port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve():
        while True:
            client, _ = listener.accept()
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            server = socket.create_connection(("127.0.0.1", port))
            for ends in ((client, server), (server, client)):
                threading.Thread(target=copy, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return "http://127.0.0.1:%d" % listener.getsockname()[1]


def play(binary, home, proxy, password):
    """Everything that the terminal shows."""
    environment = {
        "HOME": home,
        "HTTPS_PROXY": proxy,
        "PATH": os.path.join(home, "bin") + ":/usr/bin:/bin",
        "TERM": "xterm-256color",
        # The system's certificates must not affect the session.
        "SSL_CERT_FILE": "/dev/null",
    }
    os.mkdir(os.path.join(home, "bin"))
    os.symlink(binary, os.path.join(home, "bin", "swp-keys"))
    lines = ["printf '$ %%s\\n' '%s'\n%s" % (command, command) for command, _ in SESSION]
    process, terminal = pty.fork()
    if process == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
        os.chdir(home)
        os.execve("/bin/sh", ["sh", "-e", "-c", "\n".join(lines)], environment)
    seen = ""
    for question, answer in (dialogue for _, answers in SESSION for dialogue in answers):
        seen += read_until(terminal, question)
        wait_for_echo(terminal, answer is not None)
        os.write(terminal, (answer or password).encode() + b"\n")
    seen += read_until(terminal, None)
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    if status != 0:
        raise SystemExit("a command failed: %s" % seen)
    return seen.replace("\r\n", "\n").rstrip("\n")


def read_until(terminal, text):
    """Reads until this text appears, or to the end."""
    seen = b""
    while text is None or text.encode() not in seen:
        ready, _, _ = select.select([terminal], [], [], TIMEOUT)
        if not ready:
            raise SystemExit("%r does not appear after: %s" % (text, seen))
        try:
            data = os.read(terminal, 65536)
        except OSError:
            # Linux reports the end of the session with this error.
            data = b""
        if not data:
            break
        seen += data
    if text and text.encode() not in seen:
        raise SystemExit("the session ended: %s" % seen.decode())
    return seen.decode()


def wait_for_echo(terminal, on):
    """Waits until the program has set the terminal up for this answer: a password is not echoed."""
    end = time.monotonic() + TIMEOUT
    while bool(termios.tcgetattr(terminal)[3] & termios.ECHO) != on:
        if time.monotonic() > end:
            raise SystemExit("the echo of the terminal is not as expected")
        time.sleep(0.01)


def normalised(stream, home):
    """The same for every run: fixed pins, fingerprints, dates and paths."""
    shift = datetime.date(2026, 1, 15) - datetime.datetime.now(datetime.timezone.utc).date()

    def moved(match):
        date = datetime.date.fromisoformat(match[1]) + shift
        if not match[2]:
            return str(date)
        return "%s %s UTC" % (date, "00:00" if match[2] == "00:00" else "09:30")

    stream = re.sub(r"(\(retiring \d{4}-\d\d-\d\dT)\d\d:\d\dZ", r"\g<1>09:30Z", stream)
    stream = re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + PIN, stream)
    # The question has the fingerprint in two lines.
    halves = rf"{FINGERPRINT[:48]}\g<1>{FINGERPRINT[48:]}"
    stream = re.sub(r"(?:[0-9A-F]{2}:){16}(\s+)(?:[0-9A-F]{2}:){15}[0-9A-F]{2}", halves, stream)
    stream = re.sub(r"(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d) UTC)?", moved, stream)
    return stream.replace(home, "/home/ada")


STYLES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "34": "blue", "35": "magenta", "36": "cyan"}


def screen(stream):
    """The lines of the screen, each a list of (text, styles)."""
    lines, styles = [[]], frozenset()
    for part in re.split(r"(\x1b\[[0-9;]*m|\n)", stream):
        if part == "\n":
            lines.append([])
        elif match := re.fullmatch(r"\x1b\[([0-9;]*)m", part):
            for code in match[1].split(";"):
                styles = frozenset() if code in ("", "0") else styles | {STYLES[code]}
        else:
            while part:
                width = sum(len(text) for text, _ in lines[-1])
                if width == COLUMNS:
                    lines.append([])
                    width = 0
                lines[-1].append((part[: COLUMNS - width], styles))
                part = part[COLUMNS - width:]
    return lines


CELL, LINE, MARGIN, BAR = 8.4, 19, 18, 34
COLOURS = {"red": "#ff7b72", "green": "#7ee787", "yellow": "#e3b341", "blue": "#79c0ff", "magenta": "#d2a8ff", "cyan": "#76e3ea"}


def draw(lines):
    """The picture."""
    width, height = round(COLUMNS * CELL + 2 * MARGIN), BAR + len(lines) * LINE + MARGIN
    picture = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">' % (width, height, width, height),
        "<title>A session of swp-keys in a terminal</title>",
        '<rect width="100%" height="100%" rx="10" fill="#0d1117"/>',
    ]
    for place, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        picture.append('<circle cx="%d" cy="18" r="6" fill="%s"/>' % (24 + place * 20, colour))
    picture.append(
        "<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\""
        ' fill="#c9d1d9" xml:space="preserve">'
    )
    for row, line in enumerate(lines):
        column = 0
        if line and line[0][0].startswith("$ "):
            line = [("$ ", frozenset({"green", "bold"})), (line[0][0][2:], frozenset({"command"}))] + line[1:]
        for text, styles in line:
            stripped = text.strip(" ")
            start = column + len(text) - len(text.lstrip(" "))
            column += len(text)
            if stripped:
                picture.append(piece(stripped, styles, MARGIN + start * CELL, BAR + (row + 0.8) * LINE))
    picture.append("</g>\n</svg>\n")
    return "\n".join(picture)


def piece(text, styles, x, y):
    """Text of one style, stretched to the cells that it takes."""
    attributes = 'x="%.1f" y="%.1f" textLength="%.1f"' % (x, y, len(text) * CELL)
    for style in sorted(styles):
        if style in COLOURS:
            attributes += ' fill="%s"' % COLOURS[style]
    if "command" in styles:
        attributes += ' fill="#ffffff"'
    if "bold" in styles:
        attributes += ' font-weight="bold"'
    return "<text %s>%s</text>" % (attributes, escape(text, quote=False))


if __name__ == "__main__":
    main()
