"""systemd: its own check of the units, then the command of the service, with its credential and its folders.

No service manager runs here, so this program does what LoadCredential=, StateDirectory= and Environment= do.
"""

import re
import shlex
import shutil

from harness import blocks, expect

PAGE = "recipes/systemd.md"
HEADING = "Rotate a key from a systemd timer"


def check(recipe):
    service, timer, consumer = blocks(PAGE, HEADING, "ini")
    check_units(recipe, {"dsm-key.service": service, "dsm-key.timer": timer, "reporting.service": consumer})
    check_service(recipe, service)


def check_units(recipe, units):
    """Checks the units. The programs and the user of the page do not exist here, so others take their places."""
    for name, text in units.items():
        text = re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", text, flags=re.M).replace("User=reporting", "User=daemon")
        recipe.write(f"units/{name}", text, 0o644)
    paths = [recipe.path(f"units/{name}") for name in units]
    ran = recipe.run("systemd-analyze", "verify", "--recursive-errors=no", *paths)
    expect(not ran.text.strip(), f"systemd-analyze complains: {ran.text}")
    wrong = units["dsm-key.timer"].replace("OnCalendar=daily", "OnCalendar=dayly")
    ran = recipe.run("systemd-analyze", "verify", recipe.write("units/wrong.timer", wrong, 0o644), code=1)
    expect("calendar specification" in ran.text, "systemd-analyze accepts a wrong unit")


def check_service(recipe, service):
    recipe.write("etc/swp-keys/keys.toml", blocks(PAGE, HEADING, "toml")[0].replace("/var/lib", str(recipe.path("var"))))
    recipe.path("var/swp-keys").mkdir(parents=True, mode=0o700)
    # The modes with User=: an access list opens the file to the user, and no other user can enter the folder.
    recipe.write("credentials/password", recipe.password, 0o440)
    recipe.path("credentials").chmod(0o700)
    recipe.write("etc/swp-keys/ca.pem", open(recipe.env["SWP_CA_CERT"]).read(), 0o644)
    places = {"%d": recipe.path("credentials"), "%S": recipe.path("var"), "/etc/swp-keys": recipe.path("etc/swp-keys"),
              "/usr/bin/swp-keys": shutil.which("swp-keys")}
    service = recipe.adapt(service, **places)
    variables = [pair for line in re.findall(r"^Environment=(.*)$", service, re.M) for pair in shlex.split(line)]
    command = shlex.split(re.search(r"^ExecStart=(.*)$", service, re.M)[1])
    credentials = f"CREDENTIALS_DIRECTORY={recipe.path('credentials')}"
    for changed in ("true", "false"):
        ran = recipe.run("env", "-i", credentials, *variables, *command, "-o", "json")
        expect(f'"changed": {changed}' in ran.stdout, f"the run should have changed something: {changed}\n{ran.text}")
        secret = recipe.path("var/swp-keys/reporting.key").read_text()
        recipe.check_secret(secret, "reporting")
        recipe.expect_private("the output", ran.text, secret)
