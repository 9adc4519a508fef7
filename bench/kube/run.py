#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes client and runtime beside client-go: same work, same objects, same real kube-apiserver.

  bench/kube/run.py [--build FOLDER] [--rounds N] [--objects N] [--only CASE...] [--no-pin] [--raw FILE]

Each measurement is a fresh process of either side in turn, ROUNDS times; printed are medians with their spread and the
ratio ours/theirs: below 1 is better for time, CPU and memory, above 1 for rates. The server runs on core 0, the clients on
core 1, unless --no-pin or there is only one. Rates of requests are then the server's: look at the CPU time of both.
Without Go, or without a way to its modules, nothing is measured.

The peer is measured twice. "client-go" is what its users get: protobuf and structs for built-in types, HTTP/2,
managedFields kept, one large list. "client-go matched" does it as we do: JSON, HTTP/1.1, managedFields dropped, streaming
list. Our objects are JSON always.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEGA = 1e6


class CannotRun(Exception):
    """Something that is not ours is missing."""


@dataclasses.dataclass
class Side:
    """A program, and how it is asked to do its work."""
    label: str
    program: pathlib.Path
    flags: list = dataclasses.field(default_factory=list)
    env: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Case:
    name: str
    title: str
    mode: str
    flags: list
    figures: list  # (key in the JSON, label, divisor)
    matched: list = dataclasses.field(default_factory=list)  # flags with which the peer does as we do


MEMORY = [("seconds", "initial sync, seconds", 1), ("cpu_seconds", "CPU seconds", 1),
          ("server_cpu_seconds", "CPU seconds of the server", 1),
          ("anon_bytes", "MB after sync (RssAnon)", MEGA), ("settled_anon_bytes", "MB settled (RssAnon)", MEGA),
          ("peak_rss_bytes", "MB at most (VmHWM)", MEGA), ("bytes_per_object", "bytes per object", 1)]
RATE = [("per_second", "per second", 1), ("cpu_microseconds_each", "CPU microseconds each", 1)]
SERVED = RATE + [("server_cpu_microseconds_each", "the same of the server", 1)]
LATENCY = SERVED + [("p50_milliseconds", "p50, milliseconds", 1), ("p99_milliseconds", "p99, milliseconds", 1)]


def cases(objects):
    many = ["--objects", str(objects)]
    found = [
        Case("informer-builtin", f"informer of {objects} ConfigMaps of 4 KB", "informer-builtin", many, MEMORY,
             ["--json", "--http1", "--transform"]),
        Case("informer-custom", f"informer of {objects} custom objects of 4 KB", "informer-custom", many, MEMORY,
             ["--http1", "--transform"]),
        Case("queue", "work queue: add, get, forget, done", "queue", [*many, "--rounds", "100"], RATE),
        Case("reconcile-noop", "reconcile: copy from the cache, nothing to change", "reconcile-noop",
             [*many, "--rounds", "20"], RATE),
        Case("reconcile-status", "reconcile: one status patch each, 8 workers, until the cache has them all",
             "reconcile-status", [*many, "--requests", str(min(objects, 2000)), "--workers", "8"], SERVED,
             ["--http1", "--transform"]),
    ]
    for clients, requests in ((1, 10000), (8, 20000), (64, 20000)):  # several garbage collections of the server in each
        found.append(Case(f"requests-{clients}", f"GET of a small object, {clients} at once", "requests",
                          ["--clients", str(clients), "--requests", str(requests)], LATENCY,
                          ["--json", "--http1"]))
    return found


def say(text):
    print(f"==> {text}", flush=True)


def build_servers():
    built = subprocess.run([ROOT / "tests/real/build.sh"], stdout=subprocess.PIPE, text=True, check=False)
    last = built.stdout.strip().splitlines()[-1:]
    if built.returncode == 77:
        raise CannotRun(*last)
    built.check_returncode()
    return last[0]


def build_peer():
    program = pathlib.Path(os.environ.get("KLUTCH_STATE", ROOT / ".state")) / "peers" / "clientgo"
    program.parent.mkdir(parents=True, exist_ok=True)
    say("building the program that uses client-go")
    subprocess.run(["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", program, "./clientgo"],
                   cwd=ROOT / "bench/peers", env={**path_with_go(), "CGO_ENABLED": "0"}, check=True)
    return program


def path_with_go():
    return {**os.environ, "PATH": os.environ["PATH"] + ":/usr/local/go/bin"}


class Machine:
    """Which core does what."""

    def __init__(self, pin):
        cores = sorted(os.sched_getaffinity(0))
        self.pinned = pin and len(cores) > 1 and shutil.which("taskset")
        self.urgent = self.pinned and self.may_be_urgent()
        prefix = ["chrt", "-r", "1"] if self.urgent else []
        self.server = [*prefix, "taskset", "-c", str(cores[0])] if self.pinned else []
        self.client = [*prefix, "taskset", "-c", str(cores[1])] if self.pinned else []

    @staticmethod
    def may_be_urgent():
        """Real-time scheduling keeps what else runs on the machine out of the way, if we may ask for it."""
        return bool(shutil.which("chrt")) and subprocess.run(["chrt", "-r", "1", "true"], check=False,
                                                             capture_output=True).returncode == 0

    def describe(self):
        with open("/proc/cpuinfo", encoding="ascii") as text:
            model = next((line.split(":")[1].strip() for line in text if line.startswith("model name")), "?")
        placed = "server on one core, client on another" if self.pinned else "not pinned"
        placed += ", before everything else" if self.urgent else ""
        return f"{model}, {os.cpu_count()} cores, kernel {os.uname().release}, load {os.getloadavg()[0]:.2f}, {placed}"


@contextlib.contextmanager
def cluster(build, programs, machine):
    server = subprocess.Popen([*machine.server, build / "real_cluster"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, env={**os.environ, "KLUTCH_REAL_BIN": programs})
    try:
        line = server.stdout.readline()
        if not line:
            raise RuntimeError("the API server did not start")
        yield json.loads(line)
    finally:
        server.stdin.close()
        server.wait()


def cpu_seconds(pid):
    """What a process has used since it started."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(side, case, place, machine):
    """The measurement a program prints. Its other output goes to the screen."""
    server_before = cpu_seconds(place["api_server_pid"])
    done = subprocess.run([*machine.client, side.program, "--kubeconfig", place["kubeconfig"], *case.flags, *side.flags,
                           case.mode],
                          stdout=subprocess.PIPE, text=True, timeout=300, check=True, env={**os.environ, **side.env})
    server = cpu_seconds(place["api_server_pid"]) - server_before
    measured = json.loads(done.stdout.strip().splitlines()[-1])
    if measured["measure"] != case.mode:
        raise RuntimeError(f"{side.label} measured {measured['measure']} in place of {case.mode}")
    if "count" in measured:
        measured["server_cpu_microseconds_each"] = server / measured["count"] * 1e6
    return {**measured, "server_cpu_seconds": server, "case": case.name, "label": side.label}


def sides_of(case, ours, peer):
    sides = [Side("client-go", peer)]
    if case.matched:
        sides.append(Side("client-go matched", peer, case.matched, {"KUBE_FEATURE_WatchListClient": "true"}))
    return ([Side("klutch", ours)] if ours.exists() else []) + sides


def show(case, results):
    print(f"\n{case.title}", flush=True)
    for key, label, divisor in case.figures:
        columns, first = [], None
        for name, runs in results.items():
            values = sorted(run[key] / divisor for run in runs)
            middle = statistics.median(values)
            text = f"{name} {number(middle)} ({number(values[0])}..{number(values[-1])})"
            if first is None:
                first = middle
            elif "klutch" in results and middle:
                text += f" ratio {first / middle:.2f}"
            columns.append(text)
        print(f"  {label:<26} " + "   ".join(columns), flush=True)


def number(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def measure(options, place, machine, ours, peer):
    everything = []
    for case in cases(options.objects):
        if options.only and case.name not in options.only:
            continue
        sides = sides_of(case, ours, peer)
        results = {side.label: [] for side in sides}
        for turn in range(options.rounds):
            first = turn % len(sides)  # so that no side always comes right after the same one
            for side in sides[first:] + sides[:first]:
                result = run(side, case, place, machine)
                results[side.label].append(result)
                everything.append(result)
        show(case, results)
    return everything


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=10000)
    parser.add_argument("--only", nargs="+", default=[], choices=[c.name for c in cases(1)], metavar="CASE")
    parser.add_argument("--no-pin", action="store_true")
    parser.add_argument("--raw", type=pathlib.Path, help="where each measurement is stored as a line of JSON")
    options = parser.parse_args()
    build = options.build.resolve()
    try:
        programs = build_servers()
    except CannotRun as reason:
        print(f"skipped: {reason}")
        return 0
    peer = build_peer()
    ours = build / "klutch_kube_bench"
    if not ours.exists():
        say(f"{ours} is not there: the peer alone")
    machine = Machine(not options.no_pin)
    say(machine.describe())
    with cluster(build, programs, machine) as place:
        say(f"storing 2 x {options.objects} objects")
        # Not pinned: this is not measured.
        subprocess.run([peer, "--kubeconfig", place["kubeconfig"], "--objects", str(options.objects), "setup"], check=True)
        time.sleep(3)
        everything = measure(options, place, machine, ours, peer)
    if options.raw:
        options.raw.write_text("".join(json.dumps(line) + "\n" for line in everything), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
