#!/usr/bin/env python3
"""archive.py FOLDER NAME ARCHIVE: packs a folder into a .tar.gz or .zip file, in which it is called NAME.

The bytes depend on the names, contents and SOURCE_DATE_EPOCH only: files are sorted, and the owner, permissions and time are fixed.
"""

import gzip
import io
import os
import sys
import tarfile
import time
import zipfile
from pathlib import Path

PROGRAMS = {"swp-keys", "swp-keys.exe"}


def files(folder):
    """The files below a folder, as pairs of the name in the archive and the path."""
    paths = (path for path in folder.rglob("*") if not path.is_dir())
    return sorted((path.relative_to(folder).as_posix(), path) for path in paths)


def mode(name):
    return 0o755 if name in PROGRAMS else 0o644


def write_tar(folder, top, archive, date):
    # The header of gzip has a name and a time. Both are left out.
    with open(archive, "wb") as raw, gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=9, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, path in files(folder):
                content = path.read_bytes()
                entry = tarfile.TarInfo(f"{top}/{name}")
                entry.size = len(content)
                entry.mtime = date
                entry.mode = mode(name)
                entry.uname = entry.gname = "root"
                tar.addfile(entry, io.BytesIO(content))


def write_zip(folder, top, archive, date):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, path in files(folder):
            entry = zipfile.ZipInfo(f"{top}/{name}", time.gmtime(date)[:6])
            entry.create_system = 3  # Unix, so that the permissions apply
            entry.external_attr = (0o100000 | mode(name)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(entry, path.read_bytes())


def main():
    folder, top, archive = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    write = write_zip if archive.endswith(".zip") else write_tar
    write(folder, top, archive, int(os.environ["SOURCE_DATE_EPOCH"]))


main()
