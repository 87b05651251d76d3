"""Vault: a real OpenBao server in its development mode. It has the same command line and the same API for key/value stores."""

from harness import blocks, check_convergence, expect, free_port

PAGE = "recipes/secret-stores.md"
STORE = "Store it in HashiCorp Vault"
CONVERGE = "Keep the keys in a secret store up to date"


def check(recipe):
    port = free_port()
    recipe.env |= {"VAULT_ADDR": f"http://127.0.0.1:{port}", "VAULT_TOKEN": "root"}
    recipe.serve("vault", "server", "-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}", "-dev-root-token-id=root", port=port)

    def read(path):
        return recipe.run("vault", "kv", "get", "-mount=secret", "-field=key", path).stdout

    ran = recipe.shell(blocks(PAGE, STORE, "sh")[0])
    secret = read("dsm")
    recipe.check_secret(secret)
    recipe.expect_private("the output", ran.text, secret)
    manifest = blocks(PAGE, CONVERGE, "toml")[0]
    check_convergence(recipe, PAGE, CONVERGE, manifest, lambda name: read(f"dsm/{name}"))
    check_repair(recipe, read)
    check_outage(recipe)


def check_repair(recipe, read):
    """A secret that was deleted from the store is created again, for the same key."""
    before, command = recipe.keys(), blocks(PAGE, CONVERGE, "sh")[1]
    recipe.run("vault", "kv", "metadata", "delete", "-mount=secret", "dsm/siem")
    expect(recipe.shell(command).stdout.strip() == "true", "a missing secret was not noticed")
    recipe.check_secret(read("dsm/siem"), "siem")
    expect(recipe.keys()["siem"]["ID"] == before["siem"]["ID"], "there is another key")


def check_outage(recipe):
    """If the store cannot be reached, it is unknown whether the secret exists, and nothing is changed."""
    before = recipe.keys()
    recipe.run("swp-keys", "apply", "-f", "keys.toml", "--yes", env={"VAULT_ADDR": f"http://127.0.0.1:{free_port()}"})
    expect(recipe.keys() == before, "an outage of the store changed keys")
