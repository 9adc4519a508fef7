#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""klutch-apiserver beside a real kube-apiserver with etcd: the same client-go program loads one after the other.

  bench/apiserver/run.py [--build FOLDER] [--rounds N] [--objects N] [--clients N]

Each round starts a fresh server, waits until it is ready, and runs bench/peers/apiload against it. Printed are medians
over the rounds, with their spread: operations per second, p50 and p99, and first of all CPU seconds of the server's
processes per 10,000 operations, which a shared machine measures best. `klutch full` has every write on the disk before it
answers, as etcd has; `klutch relaxed` survives the end of its process but not a loss of power, as k3s with SQLite.

What kube-apiserver does besides: some twenty admission plugins, API priority and fairness, audit hooks, aggregation.
Without Go, or without a way to its modules, nothing is measured.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def say(text):
    print(f"==> {text}", flush=True)


def with_go():
    return {**os.environ, "PATH": os.environ["PATH"] + ":/usr/local/go/bin", "CGO_ENABLED": "0"}


def build_load():
    if not shutil.which("go", path=with_go()["PATH"]):
        return None
    program = pathlib.Path(os.environ.get("KLUTCH_STATE", ROOT / ".state")) / "peers" / "apiload"
    program.parent.mkdir(parents=True, exist_ok=True)
    say("building the load")
    built = subprocess.run(["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "./apiload"],
                           cwd=ROOT / "bench/peers", env=with_go(), check=False)
    return program if built.returncode == 0 else None


def build_real_servers():
    built = subprocess.run([ROOT / "tests/real/build.sh"], stdout=subprocess.PIPE, text=True, check=False)
    return built.stdout.strip().splitlines()[-1] if built.returncode == 0 else None


@contextlib.contextmanager
def klutch(build, durability):
    """Gives (kubeconfig, pids, milliseconds from the start to ready, resident MB when ready)."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        with open(f"{folder}/log", "w+", encoding="utf-8") as log:
            server = subprocess.Popen([build / "bin/klutch-apiserver", "--state", f"{folder}/state", "--listen",
                                       "127.0.0.1:0", "--durability", durability], stdout=log, stderr=log)
            try:
                while " ready " not in pathlib.Path(f"{folder}/log").read_text(encoding="utf-8"):
                    if server.poll() is not None:
                        raise RuntimeError("klutch-apiserver ended: " + pathlib.Path(f"{folder}/log").read_text())
                    time.sleep(0.002)
                ready = (time.monotonic() - begun) * 1000
                yield f"{folder}/state/admin.kubeconfig", [server.pid], ready, resident([server.pid])
            finally:
                server.terminate()
                server.wait()


@contextlib.contextmanager
def kubernetes(build, programs):
    begun = time.monotonic()
    server = subprocess.Popen([build / "real_cluster"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "KLUTCH_REAL_BIN": programs})
    try:
        line = server.stdout.readline()
        ready = (time.monotonic() - begun) * 1000
        if not line:
            raise RuntimeError("the real cluster did not start")
        facts = json.loads(line)
        pids = [facts["api_server_pid"], facts["etcd_pid"]]
        yield facts["kubeconfig"], pids, ready, resident(pids)
    finally:
        server.stdin.close()
        server.wait()


def resident(pids):
    total = 0
    for pid in pids:
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        total += int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])
    return total / 1024


def measure(load, options, server):
    with server as (kubeconfig, pids, ready, memory):
        ran = subprocess.run([load, "-kubeconfig", kubeconfig, "-pids", ",".join(map(str, pids)), "-objects",
                              str(options.objects), "-clients", str(options.clients)],
                             stdout=subprocess.PIPE, text=True, check=True)
        lines = [json.loads(line) for line in ran.stdout.splitlines()]
        lines.append({"phase": "start to ready", "ms": ready, "residentMB": memory})
        return lines


FIGURES = [("cpuSecondsPer10k", "CPU s per 10k"), ("perSecond", "per second"), ("p50ms", "p50 ms"), ("p99ms", "p99 ms"),
           ("ms", "ms"), ("residentMB", "resident MB")]


def show(results):
    """results: {server: [rounds of lines]}"""
    phases = [line["phase"] for line in next(iter(results.values()))[0]]
    for phase in phases:
        print(f"\n{phase}")
        for key, title in FIGURES:
            row = []
            for server, rounds in results.items():
                values = [line[key] for lines in rounds for line in lines if line["phase"] == phase and key in line]
                if values:
                    row.append(f"{server} {statistics.median(values):.2f} ({min(values):.2f}..{max(values):.2f})")
            if row:
                print(f"  {title:14}  " + "   ".join(row))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=32)
    options = parser.parse_args()
    load = build_load()
    if load is None:
        say("skipped: the load takes Go and its modules")
        return 0
    programs = build_real_servers()
    subprocess.run(["cmake", "--build", options.build, "--target", "klutch-apiserver", *(["real_cluster"] if programs else [])],
                   check=True, stdout=subprocess.DEVNULL)
    say(f"{options.objects} objects, {options.clients} clients, {options.rounds} rounds, load {os.getloadavg()[0]:.2f}")
    results = {}
    for number in range(options.rounds):
        say(f"round {number + 1}")
        for name, make in (("klutch full", lambda: klutch(options.build, "full")),
                           ("klutch relaxed", lambda: klutch(options.build, "relaxed")),
                           ("kube-apiserver", lambda: kubernetes(options.build, programs))):
            if name == "kube-apiserver" and programs is None:
                continue
            results.setdefault(name, []).append(measure(load, options, make()))
    show(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
