# SPDX-License-Identifier: Apache-2.0
"""What the lints share: which files belong to the tree, and how findings are reported."""

import pathlib
import subprocess
import sys

CXX_SUFFIXES = {".h", ".cc"}
SKIPPED_FOLDERS = {"build", ".git", ".state", "third_party"}


def files(root, suffixes=None):
    """Every file of the tree as a path relative to `root`: what git tracks or would track, else what is on disk."""
    root = pathlib.Path(root)
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False,
    ) if (root / ".git").exists() else None
    if listed is not None and listed.returncode == 0:
        names = [pathlib.PurePosixPath(n) for n in listed.stdout.decode().split("\0") if n]
    else:
        names = [pathlib.PurePosixPath(p.relative_to(root).as_posix()) for p in root.rglob("*") if p.is_file()]
    for name in sorted(set(names)):
        if SKIPPED_FOLDERS & set(name.parts) or not (root / name).is_file():
            continue
        if suffixes is None or name.suffix in suffixes:
            yield name


def read_lines(root, name):
    return (pathlib.Path(root) / name).read_text(encoding="utf-8", errors="replace").splitlines()


def root_from_arguments():
    return pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()


def report(title, findings):
    """Prints the findings and returns the exit code."""
    for finding in findings:
        print(finding)
    if findings:
        print(f"{title}: {len(findings)} finding(s)")
        return 1
    print(f"{title}: ok")
    return 0
