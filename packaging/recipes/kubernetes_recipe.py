"""Kubernetes: kubectl builds the manifest of the secret, and all manifests match the schema of Kubernetes.

No registry has a server, so `kubectl apply` and `kubectl get` are scripts here that store the manifest in a file.
"""

import base64
import shutil

import yaml
from harness import blocks, expect

PAGE = "recipes/containers.md"
KUBECTL = """#!/bin/sh -eu
case $1 in
apply) test "$*" = 'apply --filename=-'; cat > "$HOME/applied.yml" ;;
get)
    test "$*" = 'get secret dsm --ignore-not-found --output=jsonpath={.data.key}'
    ! test -f "$HOME/applied.yml" || sed -n 's/^  key: //p' "$HOME/applied.yml" | tr -d '\\n' ;;
*) exec KUBECTL "$@" ;;
esac
"""


def check(recipe):
    recipe.write("bin/kubectl", KUBECTL.replace("KUBECTL", shutil.which("kubectl")), 0o700)
    recipe.env["PATH"] = f"{recipe.path('bin')}:{recipe.env['PATH']}"
    check_secret(recipe)
    check_manifests(recipe)
    check_job(recipe)


def applied(recipe):
    """Checks the manifest of the secret that was applied, and returns the secret."""
    recipe.run("kubernetes-validate", "--strict", "applied.yml")
    manifest = yaml.safe_load(recipe.path("applied.yml").read_text())
    expect(manifest["kind"] == "Secret" and manifest["metadata"]["name"] == "dsm", f"it is another object: {manifest['metadata']}")
    return base64.b64decode(manifest["data"]["key"]).decode()


def check_secret(recipe):
    ran = recipe.shell(blocks(PAGE, "Create a Kubernetes secret", "sh")[0])
    secret = applied(recipe)
    recipe.check_secret(secret)
    recipe.expect_private("the output", ran.text, secret)
    recipe.path("applied.yml").unlink()


def check_manifests(recipe):
    for number, text in enumerate(blocks(PAGE, "Rotate a Kubernetes secret from a CronJob", "yaml")):
        recipe.run("kubernetes-validate", "--strict", recipe.write(f"{number}.yml", text))


def check_job(recipe):
    """Runs the job's command with the files of its config map."""
    job, others = blocks(PAGE, "Rotate a Kubernetes secret from a CronJob", "yaml")
    for name, text in next(yaml.safe_load_all(others))["data"].items():
        recipe.write(f"config/{name}", text, 0o555)
    container, = yaml.safe_load(job)["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    command = [word.replace("/etc/dsm", str(recipe.path("config"))) for word in container["command"]]
    names = {variable["name"] for variable in container["env"]}
    expect(names <= {name for name in recipe.env if name.startswith("SWP_")}, f"a variable does not exist: {names}")
    for changed in (True, False):
        document = recipe.run(*command, "-o", "json").stdout
        expect(f'"changed": {str(changed).lower()}' in document, f"the run should have changed something: {changed}\n{document}")
        recipe.check_secret(applied(recipe), "reporting")
        expect(recipe.run(recipe.path("config/read-secret"), "dsm").stdout == applied(recipe), "another secret was read")
