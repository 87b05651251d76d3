"""Ansible: tasks report correctly whether they changed something, also with --check, and print no secret at -vvv."""

import re
import sys

from harness import blocks, expect

PAGE = "recipes/infrastructure.md"
HEADING = "Ansible"
SECRET = "dsm.key"


class Playbook:
    def __init__(self, recipe, name, text):
        self.recipe, self.name = recipe, name
        self.logs = []
        recipe.write(name, recipe.adapt(text, **{"/etc/reporting": recipe.folder, "hosts: reporting": "hosts: localhost"}))

    def changed(self, *arguments):
        """Runs the playbook and returns how many tasks changed something."""
        env = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(self.recipe.path(".ansible")), "LC_ALL": "C.UTF-8",
               "ANSIBLE_REMOTE_TMP": str(self.recipe.path("tmp")), "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
        ran = self.recipe.run("ansible-playbook", "-vvv", "-i", "localhost,", "-c", "local", *arguments, self.name, env=env)
        self.logs.append(ran.text)
        return int(re.search(r"changed=(\d+)", ran.text[ran.text.index("PLAY RECAP"):])[1])


def check(recipe):
    one, fleet = blocks(PAGE, HEADING, "yaml")
    check_one_key(recipe, Playbook(recipe, "one.yml", one))
    check_fleet(recipe, Playbook(recipe, "fleet.yml", fleet))


def check_one_key(recipe, playbook):
    expect(playbook.changed("--check") == 1, "--check does not announce the new key")
    expect(not recipe.keys() and not recipe.path(SECRET).exists(), "--check changed something")
    expect(playbook.changed() == 1, "the new key is no change")
    secret = recipe.path(SECRET).read_text()
    recipe.check_secret(secret, "reporting")
    before = recipe.keys()
    expect(playbook.changed() == 0, "the second run changed something")
    expect(playbook.changed("--check") == 0, "--check announces a change that is not needed")
    expect(recipe.keys()["reporting"]["ID"] == before["reporting"]["ID"], "there is another key")
    recipe.swp_keys("create", "--role", "Auditor", "--name", "old-reporting", "--expires", "1d", "--out-file", recipe.path("old"))
    expect(playbook.changed("--check") == 1, "--check does not announce the deletion")
    expect("old-reporting" in recipe.keys(), "--check deleted a key")
    expect(playbook.changed() == 1, "the deletion is no change")
    expect("old-reporting" not in recipe.keys(), "the key still exists")
    recipe.expect_private("the output", "".join(playbook.logs), secret)


def check_fleet(recipe, playbook):
    recipe.write("keys.toml", 'fleet = "f"\n[defaults]\nrole = "Auditor"\nexpires = "90d"\nout-file = "{name}.key"\n[keys]\na = {}\nb = {}\n')
    before = recipe.keys()
    expect(playbook.changed("--check") == 1, "--check does not announce the new keys")
    expect(recipe.keys() == before, "--check changed something")
    expect(playbook.changed() == 1, "the new keys are no change")
    expect(playbook.changed() == 0 and playbook.changed("--check") == 0, "the second run changed something")
    secrets = [recipe.path(f"{name}.key").read_text() for name in ("a", "b")]
    recipe.expect_private("the output", "".join(playbook.logs), *secrets)
