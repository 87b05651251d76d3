"""Terraform or OpenTofu, whichever is installed. The configuration needs no provider, so nothing is downloaded."""

import re
import shutil

from harness import Skipped, blocks, expect

PAGE = "recipes/infrastructure.md"
HEADING = "Terraform and OpenTofu"


def check(recipe):
    program = shutil.which("tofu") or shutil.which("terraform")
    if not program:
        raise Skipped("neither tofu nor terraform is installed, and no package registry has them")
    recipe.env |= {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "TF_CLI_ARGS": "-no-color"}
    recipe.env.pop("TF_CLI_CONFIG_FILE", None)
    Terraform(recipe, program).check()


class Terraform:
    def __init__(self, recipe, program):
        self.recipe = recipe
        # The commands of the page call it `terraform`.
        recipe.path("bin").mkdir()
        recipe.path("bin/terraform").symlink_to(program)
        recipe.env["PATH"] = f"{recipe.path('bin')}:{recipe.env['PATH']}"
        self.secret_file = recipe.path("dsm.key")
        self.logs = []

    def run(self, *arguments, **options):
        ran = self.recipe.run("terraform", *arguments, **options)
        self.logs.append(ran.text)
        return ran.text

    def apply(self, *arguments):
        return self.run("apply", "-auto-approve", *arguments)

    def write(self, **values):
        """Writes the configuration, with other defaults of the variable."""
        text = blocks(PAGE, HEADING, "hcl")[0].replace("/etc/reporting/dsm.key", str(self.secret_file))
        for name, new in values.items():
            text = re.sub(rf'(default = .*\b{name} = )"[^"]*"', rf'\1"{new}"', text)
        self.recipe.write("dsm.tf", text)

    def secret(self):
        return self.secret_file.read_text()

    def check(self):
        self.write()
        self.run("init")
        self.apply()
        self.recipe.check_secret(self.secret(), "reporting")
        secrets = {self.secret()}
        expect("0 added, 0 changed, 0 destroyed" in self.apply(), "the second apply changed something")
        self.run("plan", "-detailed-exitcode")
        self.check_change()
        self.check_drift()
        secrets.add(self.secret())
        self.check_rename()
        secrets.add(self.secret())
        self.check_destroy()
        self.write()
        self.apply()
        secrets.add(self.secret())
        self.recipe.swp_keys("delete-key", "reporting", "--yes")
        self.check_destroy()
        state = "".join(path.read_text() for path in self.recipe.folder.glob("*.tfstate*"))
        expect("reporting" in state, "there is no state")
        self.recipe.expect_private("the state", state, *secrets)
        self.recipe.expect_private("the log", "".join(self.logs), *secrets)

    def check_change(self):
        """A new expiry changes the key in place."""
        before, secret = self.recipe.keys()["reporting"], self.secret()
        self.write(expires="120d")
        self.apply()
        after = self.recipe.keys()["reporting"]
        expect(after["ID"] == before["ID"] and self.secret() == secret, "there is another key")
        expect(after["expiryDate"] > before["expiryDate"], "the expiry is the old one")

    def check_drift(self):
        """The command of the page changes nothing on the manager, or creates a key that was deleted there."""
        command = blocks(PAGE, HEADING, "sh")[0].strip() + " -auto-approve"
        before = self.recipe.keys()
        self.logs.append(self.recipe.shell(command).text)
        expect(self.recipe.keys()["reporting"]["ID"] == before["reporting"]["ID"], "there is another key")
        self.recipe.swp_keys("delete-key", "reporting", "--yes")
        self.logs.append(self.recipe.shell(command).text)
        self.recipe.check_secret(self.secret(), "reporting")

    def check_rename(self):
        self.write(name="renamed")
        self.apply()
        expect(set(self.recipe.keys()) == {"renamed"}, "the old key still exists")
        self.recipe.check_secret(self.secret(), "renamed")

    def check_destroy(self):
        self.run("destroy", "-auto-approve")
        expect(not self.recipe.keys(), "the key still exists")
        expect(not self.secret_file.exists(), "the file still exists")
