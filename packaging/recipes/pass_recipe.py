"""pass: a new password store with a new key of GnuPG."""

from harness import blocks

PAGE = "recipes/secret-stores.md"


def check(recipe):
    recipe.path(".gnupg").mkdir(mode=0o700)
    recipe.run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "ops@example.com")
    try:
        recipe.run("pass", "init", "ops@example.com")
        ran = recipe.shell(blocks(PAGE, "Store it in pass", "sh")[0])
        secret = recipe.run("pass", "show", "dsm/auditor").stdout
        recipe.check_secret(secret)
        recipe.expect_private("the output", ran.text, secret)
    finally:
        recipe.run("gpgconf", "--kill", "gpg-agent")
