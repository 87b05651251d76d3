"""GitLab CI: the job runs in gitlab-ci-local, a runner of .gitlab-ci.yml files."""

from harness import blocks, expect

PAGE = "recipes/ci.md"


def check(recipe):
    recipe.write(".gitlab-ci.yml", recipe.adapt(blocks(PAGE, "GitLab CI", "yaml")[0]))
    recipe.write(".gitlab-ci-local-variables.yml", f'SWP_PASSWORD: "{recipe.password}"\nSWP_CA_CERT: "{recipe.env["SWP_CA_CERT"]}"\n')
    # The script must get the key and must not get the password.
    recipe.write("audit.sh", '#!/bin/sh -eu\ntest -n "$DS_KEY"\ntest -z "${SWP_PASSWORD:-}"\nprintf %s "$DS_KEY" > key\n', 0o700)
    recipe.env.pop("SWP_PASSWORD_FILE")
    for command in (["init", "-q"], ["remote", "add", "origin", "https://gitlab.example.com/ops/audit.git"], ["add", "."],
                    ["-c", "user.name=ops", "-c", "user.email=ops@example.com", "commit", "-qm", "Audit"]):
        recipe.run("git", *command)
    ran = recipe.run("gitlab-ci-local", "--no-artifacts-to-source", "--shell-isolation=false", "audit")
    secret = recipe.path("key").read_text()
    recipe.expect_private("the log", ran.text, secret)
    recipe.env |= {"SWP_PASSWORD": recipe.password}
    expect(not recipe.keys(), "the temporary key still exists")
