"""Runs recipes, each in its own sandbox and its own home folder. packaging/recipes.sh starts this program."""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import Failed, Recipe, Skipped

# The modules, in the order of the pages. Each has a function `check(recipe)`, and may have the arguments of its sandbox in SANDBOX.
NAMES = ["vault", "aws", "pass", "github", "gitlab", "kubernetes", "terraform", "ansible", "cloud_init", "systemd"]
SKIPPED = 77


def inside(name):
    """Runs one recipe in a new folder. The environment contains the address and the sign-in of the sandbox."""
    with tempfile.TemporaryDirectory(prefix="swp-recipe-") as folder:
        recipe = Recipe(Path(folder))
        try:
            importlib.import_module(f"{name}_recipe").check(recipe)
        except Skipped as reason:
            print(f"   skipped: {reason}")
            return SKIPPED
        except Failed as failure:
            print(f"   {failure}", file=sys.stderr)
            return 1
        finally:
            recipe.stop_servers()
    return 0


def run(binary, name):
    print(f"== {name}", flush=True)
    started = time.monotonic()
    arguments = getattr(importlib.import_module(f"{name}_recipe"), "SANDBOX", [])
    code = subprocess.run([binary, "--quiet", "sandbox", *arguments, "--", sys.executable, __file__, "--inside", name]).returncode
    word = {0: "passed", SKIPPED: "skipped"}.get(code, "FAILED")
    print(f"-- {name}: {word} in {time.monotonic() - started:.0f} s", flush=True)
    return word


def main(binary, *names):
    for name in names:
        if name not in NAMES:
            sys.exit(f"there is no recipe `{name}`; the recipes are {', '.join(NAMES)}")
    words = [run(shutil.which(binary) or binary, name) for name in names or NAMES]
    print(f"recipes: {words.count('passed')} passed, {words.count('FAILED')} failed, {words.count('skipped')} skipped")
    sys.exit("FAILED" in words)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        sys.exit(inside(sys.argv[2]))
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    main(*sys.argv[1:])
