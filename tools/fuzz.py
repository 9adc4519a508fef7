#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every fuzzer of the `fuzz` build for a time, one per core.

  tools/fuzz.py [--seconds N] [NAME...]      exit code 1 when one of them found something

A fuzzer starts from its committed inputs and from what earlier runs found (.state/fuzz/NAME/found). What makes it crash
is left in .state/fuzz/NAME/ with the command that shows it again; a fixed finding moves to the committed inputs.
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MANIFEST = ROOT / "build" / "fuzz" / "fuzzers.tsv"
STATE = ROOT / ".state" / "fuzz"


def read_manifest():
    for line in MANIFEST.read_text().splitlines():
        if line.strip():
            name, program, corpus = line.split("\t")
            yield name, pathlib.Path(program), pathlib.Path(corpus)


def run_one(name, program, corpus, seconds):
    folder = STATE / name
    found = folder / "found"
    found.mkdir(parents=True, exist_ok=True)
    for stale in [*folder.glob("crash-*"), *folder.glob("leak-*"), *folder.glob("timeout-*"), *folder.glob("oom-*")]:
        stale.unlink()
    dictionary = corpus.with_suffix(".dict")
    command = [str(program), f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={folder}/", *([f"-dict={dictionary}"] if dictionary.exists() else []), str(found)]
    if corpus.is_dir():
        command.append(str(corpus))
    log = folder / "log"
    with log.open("wb") as output:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False).returncode
    text = log.read_text(errors="replace").splitlines()
    runs = next((line.split()[-1] for line in reversed(text) if "number_of_executed_units" in line), "?")
    if code == 0:
        print(f"    ok      {name}: {runs} inputs in {seconds} s", flush=True)
        return True
    print(f"    FOUND   {name}: exit code {code}, see {log.relative_to(ROOT)}", flush=True)
    for artifact in sorted(folder.glob("*-*")):
        print(f"            show again: {program.relative_to(ROOT)} {artifact.relative_to(ROOT)}", flush=True)
    return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    fuzzers = [f for f in read_manifest() if not options.names or f[0] in options.names]
    if not fuzzers:
        print("fuzz.py: no such fuzzer" if options.names else "fuzz.py: no fuzzer is declared", file=sys.stderr)
        return 1
    cores = int(os.environ.get("JOBS") or len(os.sched_getaffinity(0)))
    print(f"==> {len(fuzzers)} fuzzers, {options.seconds} s each, {cores} at a time", flush=True)
    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        results = list(pool.map(lambda f: run_one(*f, options.seconds), fuzzers))
    print(f"==> fuzzers: {results.count(True)} clean, {results.count(False)} with findings")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
