#!/usr/bin/env python3
"""contents.py ARCHIVE: fails if an archive lacks a file of contents.txt, has another file, or has an empty or unsafe file."""

import sys
import tarfile
import zipfile
from pathlib import Path

LIST = Path(__file__).with_name("contents.txt")


def expected(windows):
    """The names in contents.txt. The program has another name on Windows."""
    lines = (line.strip() for line in LIST.read_text(encoding="utf-8").splitlines())
    names = {line for line in lines if line and not line.startswith("#")}
    return {"swp-keys.exe" if windows and name == "swp-keys" else name for name in names}


def tar_entries(archive):
    """The entries as triples of the name, the size, and the type with the permissions."""
    with tarfile.open(archive) as tar:
        return [(entry.name, entry.size, (0o100000 if entry.isfile() else 0) | entry.mode) for entry in tar]


def zip_entries(archive):
    with zipfile.ZipFile(archive) as packed:
        return [(entry.filename, entry.file_size, entry.external_attr >> 16) for entry in packed.infolist()]


def faults(archive):
    windows = archive.suffix == ".zip"
    top = archive.name.removesuffix(".zip").removesuffix(".tar.gz") + "/"
    found = []
    names = []
    for path, size, mode in zip_entries(archive) if windows else tar_entries(archive):
        name = path.removeprefix(top)
        names.append(name)
        wanted = 0o755 if name in ("swp-keys", "swp-keys.exe") else 0o644
        if not path.startswith(top):
            found.append(f"outside {top}: {path}")
        if size == 0:
            found.append(f"empty: {name}")
        if mode != 0o100000 | wanted:
            found.append(f"has type and permissions {mode:o} instead of {0o100000 | wanted:o}: {name}")
    found += [f"missing: {name}" for name in sorted(expected(windows) - set(names))]
    found += [f"not in contents.txt: {name}" for name in sorted(set(names) - expected(windows))]
    found += [f"twice: {name}" for name in sorted({name for name in names if names.count(name) > 1})]
    return names, found


def main():
    archive = Path(sys.argv[1])
    names, found = faults(archive)
    for fault in found:
        print(fault)
    if found:
        sys.exit(f"error: {archive.name} differs from contents.txt")
    print(f"{archive.name} has the {len(names)} files of contents.txt")


main()
