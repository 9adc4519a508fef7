#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps files and functions short enough to be read in one go.

  check_sizes.py [ROOT]      exit code 1 and one line per finding

Every library has a README. Caps in lines: header 300, source 500, test 700, main.cc 80, README of a library 30, function 70 (test body 120).
tools/lint/size_exceptions.txt may grant a file more ("PATH LINES  # reason"). The list may only shrink: an exception
that is no longer needed, or wider than needed, is a finding too.
"""

import pathlib
import re
import sys

import tree

EXCEPTIONS = "tools/lint/size_exceptions.txt"
SLACK = 20  # how much wider than needed an exception may be
FUNCTION_CAP, TEST_BODY_CAP = 70, 120

# What can start a function at its own indentation: not a comment, directive, label, closing brace or attribute line.
NOT_A_START = re.compile(r"\s*(//|/\*|\*|#|\}|\{|public:|private:|protected:|template\b|case\b|default:|\)|\[\[)")


def is_test(path):
    return path.stem.endswith(("_test", "_fuzz", "_bench")) or path.parts[0] in ("tests", "bench")


def file_cap(path):
    if path.parts[0] == "src" and path.name == "README.md":
        return 30
    if path.suffix not in tree.CXX_SUFFIXES:
        return None
    if path.name == "main.cc" and path.parts[0] == "cmd":
        return 80
    if is_test(path):
        return 700
    return 300 if path.suffix == ".h" else 500


def functions(lines):
    """(first line number, length) of each function body that is laid out as clang-format does it.

    A body closes with a line that is exactly "}" at the indentation of its signature: classes close with "};" and
    namespaces with a comment, so both stay out. Looks at free functions and at members defined in their class.
    """
    for indent in ("", "  "):
        start = None
        for number, line in enumerate(lines, start=1):
            at_indent = line.startswith(indent) and not line[len(indent):len(indent) + 1].isspace() and line.strip()
            if line == indent + "}":
                if start is not None:
                    yield start, number - start + 1
                start = None
            elif at_indent and not NOT_A_START.match(line):
                start = number


def read_exceptions(root):
    path = pathlib.Path(root) / EXCEPTIONS
    granted = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        entry = line.split("#")[0].split()
        if entry:
            granted[entry[0]] = int(entry[1])
    return granted


def check_file(path, length, cap, granted):
    if granted is None:
        return [f"{path}: {length} lines, the cap is {cap}"] if length > cap else []
    if length <= cap:
        return [f"{path}: {length} lines fit the cap of {cap}; remove its line from {EXCEPTIONS}"]
    if length > granted:
        return [f"{path}: {length} lines, its exception allows {granted}"]
    if granted > length + SLACK:
        return [f"{path}: {length} lines; lower its exception in {EXCEPTIONS} from {granted} to {length}"]
    return []


def check(root):
    findings = []
    exceptions = read_exceptions(root)
    seen = set()
    for path in tree.files(root, tree.CXX_SUFFIXES | {".md"}):
        cap = file_cap(path)
        if cap is None:
            continue
        lines = tree.read_lines(root, path)
        seen.add(str(path))
        findings += check_file(path, len(lines), cap, exceptions.get(str(path)))
        if path.suffix not in tree.CXX_SUFFIXES:
            continue
        function_cap = TEST_BODY_CAP if is_test(path) else FUNCTION_CAP
        for start, length in functions(lines):
            if length > function_cap:
                findings.append(f"{path}:{start}: function of {length} lines, the cap is {function_cap}")
    for path in tree.files(root, {".txt"}):
        if path.name == "CMakeLists.txt" and "klutch_library(" in "\n".join(tree.read_lines(root, path)):
            if str(path.parent / "README.md") not in seen:
                findings.append(f"{path.parent}: a library needs a README.md of at most 30 lines")
    findings += [f"{EXCEPTIONS}: {name} does not exist" for name in exceptions if name not in seen]
    return findings


if __name__ == "__main__":
    sys.exit(tree.report("sizes", check(tree.root_from_arguments())))
