"""Writes each shell script of workflows and actions to a file, for shellcheck.

    run_blocks.py FOLDER FILE...

Prints the names of the files, each of which is named after its file and step.
"""

import pathlib
import sys

import yaml


def steps(document):
    """Yields the steps of a workflow or of a composite action."""
    for job, content in document.get("jobs", {}).items():
        for number, step in enumerate(content.get("steps", []), 1):
            yield f"{job}-{number}", step
    for number, step in enumerate(document.get("runs", {}).get("steps", []), 1):
        yield f"step-{number}", step


def main(folder, *files):
    for file in map(pathlib.Path, files):
        for name, step in steps(yaml.safe_load(file.read_text("utf-8"))):
            if "run" in step:
                script = pathlib.Path(folder, f"{file.stem}-{name}.sh")
                # The runner starts `bash -e`, with pipefail if the step or the job names bash as its shell.
                script.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{step['run']}\n", "utf-8")
                print(script)


if __name__ == "__main__":
    main(*sys.argv[1:])
