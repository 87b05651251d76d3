"""AWS Secrets Manager and Systems Manager: the real command line against a simulated AWS (moto)."""

import json

from harness import blocks, check_convergence, expect, free_port

PAGE = "recipes/secret-stores.md"
CONVERGE = "Keep the keys in a secret store up to date"


def start_aws(recipe):
    """Starts moto, and sets the variables that lead the command line to it."""
    port = free_port()
    recipe.serve("moto_server", "-H", "127.0.0.1", "-p", str(port), port=port)
    recipe.env |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                   "AWS_DEFAULT_REGION": "eu-west-1", "AWS_PAGER": ""}


def value(recipe, *arguments):
    document = json.loads(recipe.run("aws", *arguments, "--output", "json").stdout)
    return document["SecretString"] if "SecretString" in document else document["Parameter"]["Value"]


def manifest(place):
    """Returns the manifest of the page, with the commands for one of the two stores."""
    template, *commands = blocks(PAGE, CONVERGE, "toml")
    lines = [line for line in template.splitlines() if not line.startswith(("deliver-cmd", "read-cmd"))]
    keys = lines.index("[keys]")
    return "\n".join([*lines[:keys], commands[place], *lines[keys:]]) + "\n"


def check(recipe):
    start_aws(recipe)
    check_secrets_manager(recipe)
    recipe.swp_keys("delete-key", "reporting", "siem", "--yes")
    check_parameters(recipe)


def check_secrets_manager(recipe):
    def read(name):
        return value(recipe, "secretsmanager", "get-secret-value", "--secret-id", name)

    for name in ("dsm", "dsm/reporting", "dsm/siem"):
        recipe.run("aws", "secretsmanager", "create-secret", "--name", name)
    ran = recipe.shell(blocks(PAGE, "Store it in AWS Secrets Manager", "sh")[0])
    recipe.check_secret(read("dsm"))
    recipe.expect_private("the output", ran.text, read("dsm"))
    check_convergence(recipe, PAGE, CONVERGE, manifest(0), lambda name: read(f"dsm/{name}"))


def check_parameters(recipe):
    def read(name):
        return value(recipe, "ssm", "get-parameter", "--with-decryption", "--name", name)

    command = blocks(PAGE, "Store it in AWS Systems Manager", "sh")[0]
    first, secret = recipe.shell(command), read("/dsm/key")
    recipe.check_secret(secret)
    recipe.expect_private("the output", first.text, secret)
    recipe.shell(command)
    recipe.check_secret(read("/dsm/key"))
    expect(read("/dsm/key") != secret, "the second key did not replace the first")
    check_convergence(recipe, PAGE, CONVERGE, manifest(1), lambda name: read(f"/dsm/{name}"))
