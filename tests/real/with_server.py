#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts an API server, runs a command with KUBECONFIG set, and ends the server.

  tests/real/with_server.py real  COMMAND...     kube-apiserver with etcd and controllers; KLUTCH_REAL_BIN names them
  tests/real/with_server.py ours  COMMAND...     klutch-apiserver, in memory

Both come from the build folder that KLUTCH_BUILD names (default: build/dev). The exit code is the command's; 77 says that
the server is not there. What klutch-apiserver logged is shown when it ended on its own.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("KLUTCH_BUILD", "build/dev")
CANNOT_RUN = 77
READY_LIMIT = 60  # seconds


def find_program(name):
    for place in (BUILD / name, BUILD / "bin" / name, BUILD / "cmd" / name / name):
        if place.is_file() and os.access(place, os.X_OK):
            return place
    print(f"there is no {name} in {BUILD}")
    sys.exit(CANNOT_RUN)


def run(command, kubeconfig):
    return subprocess.run(command, env={**os.environ, "KUBECONFIG": str(kubeconfig)}, stdin=subprocess.DEVNULL,
                          check=False).returncode


def with_real(command):
    program = find_program("real_cluster")
    with subprocess.Popen([program, "--controllers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        line = server.stdout.readline()  # it ends with our end of its standard input
        if not line:
            return 1
        code = run(command, json.loads(line)["kubeconfig"])
        server.stdin.close()
    return code


def with_ours(command):
    program = find_program("klutch-apiserver")
    with tempfile.TemporaryDirectory(prefix="klutch-ours-") as folder:
        state, log = pathlib.Path(folder, "state"), pathlib.Path(folder, "log")
        kubeconfig = state / "admin.kubeconfig"
        with log.open("w") as out, subprocess.Popen([program, "--state", state, "--listen", "127.0.0.1:0", "--ephemeral"],
                                                    stdin=subprocess.DEVNULL, stdout=out, stderr=out) as server:
            try:
                limit = time.monotonic() + READY_LIMIT
                while not kubeconfig.exists() and server.poll() is None and time.monotonic() < limit:
                    time.sleep(0.02)
                if not kubeconfig.exists():
                    print(f"klutch-apiserver does not start:\n{log.read_text()[-4000:]}")
                    return 1
                code = run(command, kubeconfig)
                if server.poll() is not None:
                    print(f"klutch-apiserver ended by itself ({server.returncode}):\n{log.read_text()[-8000:]}")
                    return code or 1
                return code
            finally:
                server.terminate()
                try:
                    server.wait(30)
                except subprocess.TimeoutExpired:
                    server.kill()
                    print("klutch-apiserver did not end within 30 s of SIGTERM")
                    raise


def main():
    servers = {"real": with_real, "ours": with_ours}
    if len(sys.argv) < 3 or sys.argv[1] not in servers:
        print(__doc__, file=sys.stderr)
        return 2
    return servers[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
