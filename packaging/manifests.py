"""Writes the Homebrew formula, the Scoop manifest and the winget manifests of a release.

    manifests.py REPOSITORY SHA256SUMS FOLDER [DATE]

REPOSITORY is the address of the repository, such as https://github.com/OWNER/NAME. The hashes come from SHA256SUMS, the version and the
license from Cargo.toml, and the texts from templates/. DATE is the day of the release (today).
"""

import datetime
import pathlib
import re
import string
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ARCHIVES = {
    "x86_64-unknown-linux-musl": "tar.gz",
    "aarch64-unknown-linux-musl": "tar.gz",
    "universal-apple-darwin": "tar.gz",
    "x86_64-pc-windows-msvc": "zip",
    "aarch64-pc-windows-msvc": "zip",
}


def read_package():
    return tomllib.loads((HERE.parent / "Cargo.toml").read_text("utf-8"))["package"]


def read_hashes(path):
    """Returns the hash of each file that the list names."""
    hashes = {}
    for line in pathlib.Path(path).read_text("utf-8").splitlines():
        found = re.fullmatch(r"([0-9a-f]{64}) [ *](?:\./)?(\S+)", line)
        if not found:
            sys.exit(f"error: {path} has a line that is not a hash and a name: {line}")
        hashes[found[2]] = found[1]
    return hashes


def archive_values(repository, version, hashes):
    """Returns the address and the hash of each archive. Homebrew and Scoop need the hash in lower case, winget in upper case."""
    values = {}
    for target, extension in ARCHIVES.items():
        name = f"swp-keys-{version}-{target}.{extension}"
        if name not in hashes:
            sys.exit(f"error: SHA256SUMS has no hash of {name}")
        key = target.replace("-", "_")
        values[f"url_{key}"] = f"{repository}/releases/download/v{version}/{name}"
        values[f"sha256_{key}"] = hashes[name]
        values[f"SHA256_{key}"] = hashes[name].upper()
    return values


def all_values(repository, hashes, date):
    package = read_package()
    found = re.fullmatch(r"https://[^/]+/([^/]+)/[^/]+", repository)
    if not found:
        sys.exit(f"error: {repository} is not the address of a repository")
    return {
        "version": package["version"],
        "license": package["license"],
        "homepage": repository,
        "publisher": found[1],
        "winget_id": f"{found[1]}.swp-keys",
        "date": date,
        **archive_values(repository, package["version"], hashes),
    }


def outputs(winget_id):
    """Returns the file to write for each template."""
    return {
        "homebrew.rb": "homebrew/swp-keys.rb",
        "scoop.json": "scoop/swp-keys.json",
        "winget/version.yaml": f"winget/{winget_id}.yaml",
        "winget/installer.yaml": f"winget/{winget_id}.installer.yaml",
        "winget/locale.en-US.yaml": f"winget/{winget_id}.locale.en-US.yaml",
    }


def main(repository, sums, folder, date=None):
    date = date or datetime.date.today().isoformat()
    values = all_values(repository.rstrip("/"), read_hashes(sums), date)
    for template, output in outputs(values["winget_id"]).items():
        # An unknown placeholder is an error of the template.
        text = string.Template((HERE / "templates" / template).read_text("utf-8")).substitute(values)
        path = pathlib.Path(folder, output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:])
