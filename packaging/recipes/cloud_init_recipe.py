"""cloud-init: its own schema check, then the files and commands of the user data, with moto in place of AWS."""

import os
import sys

import yaml
from aws_recipe import start_aws
from harness import blocks, expect

PAGE = "recipes/infrastructure.md"


def check(recipe):
    text = blocks(PAGE, "cloud-init", "yaml")[0]
    check_schema(recipe, text)
    start_aws(recipe)
    recipe.run("aws", "ssm", "put-parameter", "--name", "/dsm/password", "--type", "SecureString", "--value", f"file://{password_file(recipe)}")
    data = yaml.safe_load(recipe.adapt(text, **{"/etc/": f"{recipe.folder}/etc/"}))
    for entry in data["write_files"]:
        certificate = open(recipe.env["SWP_CA_CERT"]).read()
        recipe.write(os.path.relpath(entry["path"], recipe.folder), entry["content"].replace("CERTIFICATE", certificate),
                     int(entry["permissions"], 8))
    run_commands(recipe, data["runcmd"])
    secret = recipe.path("etc/dsm.key").read_text()
    key, = recipe.keys().values()
    recipe.check_secret(secret, key["keyName"])
    # A second boot changes nothing.
    run_commands(recipe, data["runcmd"])
    expect(recipe.path("etc/dsm.key").read_text() == secret and len(recipe.keys()) == 1, "the second boot changed something")
    recipe.expect_private("the user data", text, secret)


def password_file(recipe):
    return recipe.write("password", recipe.password)


def check_schema(recipe, text):
    command = [sys.executable, "-m", "cloudinit.cmd.main", "schema", "--config-file"]
    packages = {"PYTHONPATH": os.environ["CLOUD_INIT_PACKAGES"]}
    recipe.run(*command, recipe.write("user-data", text), env=packages)
    recipe.run(*command, recipe.write("wrong", text.replace("permissions", "permission")), env=packages, code=1)


def run_commands(recipe, commands):
    """Runs commands as cloud-init does: without a home folder. The settings come only from the user data."""
    names = ["PATH", *(name for name in recipe.env if name.startswith("AWS_"))]
    for command in commands:
        settings = [f"{name}={recipe.env[name]}" for name in names]
        ran = recipe.run("env", "-i", *settings, *command)
        recipe.expect_private("the output", ran.text)
