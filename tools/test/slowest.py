#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints which files took longest to compile.

  tools/test/slowest.py [COUNT] BUILD_FOLDER...

Reads ninja's own log, so it shows the last time each object was made.
"""

import pathlib
import sys


def compile_times(folder):
    """object file -> seconds, from .ninja_log (start ms, end ms, mtime, output, hash)."""
    log = pathlib.Path(folder) / ".ninja_log"
    times = {}
    for line in log.read_text().splitlines() if log.exists() else []:
        fields = line.split("\t")
        if len(fields) == 5 and fields[3].endswith((".o", ".gch")):
            times[f"{folder}: {fields[3]}"] = (int(fields[1]) - int(fields[0])) / 1000
    return times


def main(arguments):
    count = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 10
    times = {}
    for folder in arguments:
        times.update(compile_times(folder))
    print(f"==> slowest {min(count, len(times))} of {len(times)} compiled files, {sum(times.values()):.0f} s in all")
    for name, seconds in sorted(times.items(), key=lambda item: -item[1])[:count]:
        print(f"    {seconds:6.1f} s  {name}")


if __name__ == "__main__":
    main(sys.argv[1:])
