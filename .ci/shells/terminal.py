"""A shell in a pseudo-terminal that keys are typed into."""

import os
import pty
import select
import signal
import time

PATIENCE = 10


class Terminal:
    def __init__(self, command, folder, environment):
        self.shown = b""
        self.process, self.master = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)

    def read(self, seconds):
        """Reads what appears within this time. Returns False if the shell has ended."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.shown += data
        self.answer(data)
        return bool(data)

    def answer(self, data):
        """Answers the questions that a shell asks its terminal: the attributes and the position of the cursor."""
        if b"\x1b[c" in data or b"\x1b[0c" in data:
            self.type("\x1b[?62;c")
        if b"\x1b[6n" in data:
            self.type("\x1b[1;1R")

    def type(self, text):
        os.write(self.master, text.encode())

    def wait(self, holds):
        """Reads until `holds()` is true. Returns False if this takes too long."""
        end = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > end or not self.read(0.01):
                return holds()
        return True

    def screen(self):
        return self.shown.decode(errors="backslashreplace")

    def close(self):
        os.close(self.master)
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
