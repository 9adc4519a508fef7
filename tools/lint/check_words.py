#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Finds constructs and names this code base does without, each with the reason.

  check_words.py [ROOT]      exit code 1 and one line per finding
"""

import re
import sys

import tree

# pattern in C++ code (comments and strings removed) -> why not, and folders where it may stand anyway
BANNED_CODE = [
    (r"\bco_(await|return|yield)\b", "g++ 12 miscompiles coroutines; use fibers (src/async)", ()),
    (r"\bcatch\s*\(\s*\.\.\.\s*\)", "it would swallow the unwinding of a cancelled fiber; name the exception", ()),
    (r"\basio::detached\b|[( ,]detached\b", "every fiber has an owner; use TaskGroup", ("src/async",)),
    (r"\bthread_local\b", "fibers share a thread; keep state in Ctx", ("src/async",)),
    (r"\bstd::regex\b|#\s*include\s*<regex>", "recursion and backtracking on input; use RE2", ()),
    (r"\busing\s+namespace\s+(std|boost|asio|beast)\b(?!::\w*literals)", "name what is used", ()),
    (r"\bsleep_for\b|\bsleep_until\b|\busleep\s*\(|[^_\w.>]sleep\s*\(\d", "it stops the whole loop; use a timer of src/async", ()),
    (r"\b(std::)?(rand|srand)\s*\(", "use src/crypto's random", ()),
    (r"\bstd::endl\b", "write \\n", ()),
    (r"\b(gets|strcpy|strcat|sprintf|strtok)\s*\(", "unbounded or not safe with threads", ()),
]
# pattern in any text of C++ files, comments included
BANNED_TEXT = [
    (r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))", "write TODO(#issue) or do it"),
    (r"\b(upstream|downstream|management|tenant|service|workload) cluster\b", "say provider cluster or consumer cluster"),
]
BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "misc", "constants"}
NAMED_SO_BY_OTHERS = {("cmd", "helper")}  # the reference calls this program `helper`; scripts depend on it
SUPPRESSION = re.compile(r"NOLINT(?:NEXTLINE|BEGIN)?(\([\w.,* -]+\))?(.*)")

STRING_OR_COMMENT = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])+\'|//.*?$|/\*.*?\*/', re.S | re.M)


def code_lines(text):
    """The lines of `text` with strings and comments blanked, so that line numbers stay."""
    return STRING_OR_COMMENT.sub(lambda m: "\n" * m.group(0).count("\n") or " ", text).splitlines()


def check_names(path):
    parts = [*path.parts[:-1], path.stem]
    for index, part in enumerate(parts):
        stem = part.removesuffix("_test")
        if stem in BANNED_NAMES and tuple(parts[:index + 1]) not in NAMED_SO_BY_OTHERS:
            yield f"{path}: '{part}' says nothing about what is inside; name the concept"


def check_first_lines(path, lines):
    if not lines or "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
        yield f"{path}:1: the first line must be the SPDX licence line"
    if path.suffix == ".h" and "#pragma once" not in lines:
        yield f"{path}: no #pragma once"


def check_suppressions(path, lines):
    for number, line in enumerate(lines, start=1):
        match = SUPPRESSION.search(line)
        if match and "NOLINTEND" not in line and (not match.group(1) or not re.search(r"\w{3,}", match.group(2))):
            yield f"{path}:{number}: a suppression names its check and says why: NOLINT(check-name): reason"


def check_text(path, text):
    for number, line in enumerate(code_lines(text), start=1):
        for pattern, reason, allowed in BANNED_CODE:
            if re.search(pattern, line) and not str(path).startswith(allowed or "\0"):
                yield f"{path}:{number}: {line.strip()[:60]!r}: {reason}"
    for number, line in enumerate(text.splitlines(), start=1):
        for pattern, reason in BANNED_TEXT:
            if re.search(pattern, line):
                yield f"{path}:{number}: {reason}"


def check(root):
    findings = []
    for path in tree.files(root):
        if path.parts[0] in ("src", "cmd", "examples", "tests", "bench", "tools"):
            findings += check_names(path)
        if path.suffix not in tree.CXX_SUFFIXES:
            continue
        lines = tree.read_lines(root, path)
        findings += check_first_lines(path, lines)
        findings += check_suppressions(path, lines)
        findings += check_text(path, "\n".join(lines))
    return findings


if __name__ == "__main__":
    sys.exit(tree.report("words", check(tree.root_from_arguments())))
