"""Checks the winget manifests: winget.py FOLDER VERSION. The fields are those that version 1.10 of winget's schemas requires."""

import pathlib
import re
import sys

import yaml

REQUIRED = {
    "version": {"DefaultLocale"},
    "installer": {"Installers"},
    "defaultLocale": {"PackageLocale", "Publisher", "PackageName", "License", "ShortDescription"},
}


def fail(message):
    sys.exit(f"error: {message}")


def check_installer(installer, file):
    if installer["Architecture"] not in ("x64", "arm64"):
        fail(f"{file}: unknown architecture: {installer['Architecture']}")
    if not re.fullmatch("[0-9A-F]{64}", installer["InstallerSha256"]):
        fail(f"{file}: not a hash: {installer['InstallerSha256']}")
    archive = pathlib.PurePosixPath(installer["InstallerUrl"]).stem
    (nested,) = installer["NestedInstallerFiles"]
    if nested["RelativeFilePath"] != f"{archive}\\swp-keys.exe":
        fail(f"{file}: the archive has no file {nested['RelativeFilePath']}")


def main(folder, version):
    found = set()
    for file in sorted(pathlib.Path(folder).glob("*.yaml")):
        manifest = yaml.safe_load(file.read_text("utf-8"))
        kind = manifest["ManifestType"]
        missing = (REQUIRED[kind] | {"PackageIdentifier", "ManifestVersion"}) - manifest.keys()
        if missing or manifest["PackageVersion"] != version:
            fail(f"{file}: missing fields {sorted(missing)}, or another version than {version}")
        for installer in manifest.get("Installers", []):
            check_installer(installer, file)
        found.add(kind)
    if found != REQUIRED.keys():
        fail(f"{folder} has only the manifests {sorted(found)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
