#!/usr/bin/env python3
"""sbom.py FROM VERSION TO: replaces the path of the sources in an SBOM by the package URL of the program, and checks the SBOM.

cargo-cyclonedx has no option for this (CycloneDX/cyclonedx-rust-cargo, issue 556).
"""

import json
import re
import sys
import tomllib
from pathlib import Path

PATH_REFERENCE = re.compile(r"path\+file://[^#]*#(?:swp-keys@)?[0-9][^ ]*")
PATH_QUERY = "?download_url=file://."


def without_paths(value, package):
    """A copy of a JSON value whose strings have no path of the sources."""
    if isinstance(value, dict):
        return {key: without_paths(item, package) for key, item in value.items()}
    if isinstance(value, list):
        return [without_paths(item, package) for item in value]
    if isinstance(value, str):
        return PATH_REFERENCE.sub(package, value).replace(PATH_QUERY, "")
    return value


def locked(lock):
    """The names and versions in Cargo.lock."""
    return {(package["name"], package["version"]) for package in tomllib.loads(lock)["package"]}


def check(document, version):
    described = document["metadata"]["component"]
    assert (described["name"], described["version"]) == ("swp-keys", version), described
    components = {(component["name"], component["version"]) for component in document["components"]}
    assert components <= locked(Path("Cargo.lock").read_text(encoding="utf-8")), "a component is not in Cargo.lock"
    assert {"ring", "rustls", "reqwest"} <= {name for name, _ in components}, "a component is missing"
    references = {component["bom-ref"] for component in document["components"]} | {described["bom-ref"]}
    dependencies = {reference for entry in document["dependencies"] for reference in [entry["ref"], *entry.get("dependsOn", [])]}
    assert dependencies <= references, "a dependency is not a component"
    assert "file://" not in json.dumps(document), "a path is left"


def main():
    source, version, target = sys.argv[1:]
    document = json.loads(Path(source).read_text(encoding="utf-8"))
    document = without_paths(document, f"pkg:cargo/swp-keys@{version}")
    check(document, version)
    Path(target).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{target} has {len(document['components'])} components")


main()
