#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the stages that test against real servers.

  tools/test/run_real.py [STAGE]

A stage is a script tests/real/stages/NAME.sh. Its last line of output is `N passed, N failed, N skipped`; exit code 77
says that the stage cannot run here and its last line says why. A stage that is missing, cannot run, or whose time is
up is skipped with a line that says so; that is never a failure. KLUTCH_STAGE_DEADLINE (seconds since the epoch) is the
moment after which no new stage starts.
"""

import os
import pathlib
import subprocess
import sys
import time

import counts as counting
from counts import Counts

ROOT = pathlib.Path(__file__).resolve().parents[2]
STAGE_FOLDER = ROOT / "tests" / "real" / "stages"
CANNOT_RUN = 77

# name -> what it runs against. The order is the order of running.
STAGES = {
    "kube": "kube-apiserver, kube-controller-manager and etcd",
    "kubectl": "what kubectl 1.34 and 1.20 and Helm print with kube-apiserver and with ours, beside the recordings",
    "client-go": "informers, typed clients, leader election and more of client-go with kube-apiserver and with ours",
    "keycloak": "Keycloak as the OpenID issuer",
    "crossplane": "Crossplane on a real API server",
    "chromium": "the web pages in Chromium",
}


def time_is_up():
    deadline = os.environ.get("KLUTCH_STAGE_DEADLINE")
    return bool(deadline) and time.time() >= float(deadline)


def run_stage(name):
    script = STAGE_FOLDER / f"{name}.sh"
    if not script.exists():
        return skipped(name, "planned, not written yet")
    if time_is_up():
        return skipped(name, "its time is up")
    print(f"==> real {name}: {STAGES.get(name, 'no description')}", flush=True)
    lines = []
    with subprocess.Popen(["bash", str(script)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, errors="replace") as stage:
        for line in stage.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if stage.returncode == CANNOT_RUN:
        return skipped(name, lines[-1].strip() if lines else "it cannot run here")
    result = counting.from_last_line("".join(lines)) or Counts()
    if result.failed:
        result.failures.append(f"real {name}: see its output above")
    elif stage.returncode != 0:
        result.fail(f"real {name}: exit code {stage.returncode}")
    elif result.passed + result.skipped == 0:
        result.fail(f"real {name}: it reported no test")
    if result.skipped:
        result.skips.append(f"real {name}: {result.skipped} of its tests, see its output above")
    return result


def skipped(name, reason):
    print(f"==> real {name}: skipped: {reason}", flush=True)
    return Counts(skipped=1, skips=[f"real {name}: {reason}"])


def main(names):
    for name in names:
        if name not in STAGES:
            print(f"run_real.py: there is no stage {name!r} (have: {' '.join(STAGES)})", file=sys.stderr)
            return 2
    total = Counts()
    for name in names or STAGES:
        total += run_stage(name)
    return counting.close(total)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
