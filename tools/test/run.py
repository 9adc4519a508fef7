#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every test that needs no foreign server, and counts test cases.

  tools/test/run.py [STEP...]      steps: dev asan demo kubectl kube; default: all but the last, in this order

  dev      builds everything with tests; runs units, components, lints, and the fuzzers' committed inputs once
  asan     builds the unit tests with AddressSanitizer and UndefinedBehaviorSanitizer; runs them and the inputs again
  demo     runs the demo and compares its answers
  kubectl  what Debian's kubectl prints with klutch-apiserver, beside what it printed with a real kube-apiserver
  kube     only by name: the suites on a Kubernetes API, against the real one that KLUTCH_REAL_BIN names

The last line is always `N passed, N failed, N skipped`; the exit code is 0 only when nothing failed.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import counts as counting
from counts import Counts

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Property tests take the same cases every time; RC_PARAMS=seed=$RANDOM ./dev test looks elsewhere.
PROPERTY_SEED = "seed=20260101"
CORES = int(os.environ.get("JOBS") or len(os.sched_getaffinity(0)))


CANNOT_RUN = 77


def say(text):
    print(f"==> {text}", flush=True)


def run(command, **more):
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False, **more)


def build(preset, *options, target="all"):
    return run(["tools/build.sh", preset, target, "--", *options]).returncode == 0


def build_dev(target):
    # Batches nearly halve a build from nothing. A build folder that somebody made for working in it stays as it is.
    fresh = not (ROOT / "build" / "dev" / "CMakeCache.txt").exists()
    return build("dev", *(["-DKLUTCH_UNITY=ON"] if fresh else []), target=target)


def ctest(preset, *selection, jobs=CORES, reports_in="reports"):
    """Runs ctest in a preset's build folder with fresh reports and returns the counts."""
    folder = ROOT / "build" / preset
    reports = folder / reports_in
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    junit = reports / "ctest.junit"
    say(f"test {preset}")
    run(["ctest", "--test-dir", str(folder), "-j", str(jobs), "--output-on-failure", "--no-tests=error",
         "--timeout", "300", "--output-junit", str(junit), *selection],
        env={"RC_PARAMS": PROPERTY_SEED, **os.environ, "GTEST_OUTPUT": f"xml:{reports}/", "GTEST_COLOR": "no",
             "GTEST_BRIEF": "1"})
    try:
        return counting.from_ctest(junit, reports, preset)
    except (OSError, ElementTree.ParseError) as problem:
        return Counts(failed=1, failures=[f"{preset}: no usable report from ctest: {problem}"])


def step_dev():
    if not build_dev("all"):
        return Counts(failed=1, failures=["dev: the build failed"])
    return ctest("dev")


def step_asan():
    if not build("asan"):
        return Counts(failed=1, failures=["asan: the build failed"])
    return ctest("asan", "-L", "^(unit|component|fuzz)$")


def step_demo():
    """The demo against the programs of the dev build: the tests build no second optimised tree."""
    say("test demo")
    done = run(["tools/demo.sh", "--check"], stdout=subprocess.PIPE, text=True,
               env={**os.environ, "KLUTCH_BUILD": "build/dev"})
    print(done.stdout, flush=True)
    result = counting.from_last_line(done.stdout) or Counts()
    if result.failed:
        result.failures.append("demo: see its output above")
    elif done.returncode != 0:
        result.fail(f"demo: exit code {done.returncode}")
    if result.skipped:
        result.skips.append(f"demo: {result.skipped} step(s) whose program is not there yet")
    return result


def step_kubectl():
    """The transcripts of tests/kubectl with the kubectl that Debian has: the current one takes Go, and `--real kubectl`."""
    say("test kubectl")
    found = run(["tests/kubectl/debian_kubectl.sh"], stdout=subprocess.PIPE, text=True)
    place = found.stdout.strip()
    if found.returncode == CANNOT_RUN:
        return Counts(skipped=1, skips=[f"kubectl: {place}"])
    if found.returncode != 0:
        return Counts(failed=1, failures=[f"kubectl: debian_kubectl.sh: exit code {found.returncode}"])
    if not build_dev("klutch-apiserver"):
        return Counts(failed=1, failures=["kubectl: the build failed"])
    done = run(["tests/real/with_server.py", "ours", "tests/kubectl/run.py", "--kubectl", place], stdout=subprocess.PIPE, text=True)
    print(done.stdout, flush=True)
    result = counting.from_last_line(done.stdout) or Counts()
    if result.failed:
        result.failures.append("kubectl: see its output above")
    elif done.returncode != 0:
        result.fail(f"kubectl: exit code {done.returncode}")
    if result.skipped:
        result.skips.append(f"kubectl: {result.skipped} command(s) whose answer is still to be made (tests/kubectl/divergences.toml)")
    return result


def step_kube():
    if not os.environ.get("KLUTCH_REAL_BIN"):
        return Counts(failed=1, failures=["kube: KLUTCH_REAL_BIN does not say where the real servers are"])
    if not build_dev("kube_tests"):
        return Counts(failed=1, failures=["kube: the build failed"])
    # One program at a time: each has an API server of its own, which takes a core.
    return ctest("dev", "-L", "^kube$", jobs=1, reports_in="reports-kube")


STEPS = {"dev": step_dev, "asan": step_asan, "demo": step_demo, "kubectl": step_kubectl, "kube": step_kube}
EVERYDAY = ["dev", "asan", "demo", "kubectl"]


def main(names):
    unknown = [n for n in names if n not in STEPS]
    if unknown:
        print(f"run.py: there is no step {unknown[0]!r} (have: {' '.join(STEPS)})", file=sys.stderr)
        return 2
    total, timings = Counts(), []
    for name in names or EVERYDAY:
        started = time.monotonic()
        part = STEPS[name]()
        timings.append(f"  {name:<8} {time.monotonic() - started:6.0f} s   {part}")
        total += part
    say("steps")
    print("\n".join(timings))
    return counting.close(total)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
