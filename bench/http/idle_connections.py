#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens COUNT TLS connections to a server, asks once on each, and prints the bytes of resident memory each costs.

  idle_connections.py PORT COUNT PID

Memory is that of process PID (RssAnon), before and after; the connections stay open and idle in between.
"""

import socket
import ssl
import sys
import time


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    raise SystemExit("no RssAnon")


def ask(connection):
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    received = b""
    while len(received) < 1024 or b"\r\n\r\n" not in received:
        received += connection.recv(65536)


def main():
    port, count, pid = (int(argument) for argument in sys.argv[1:4])
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connections = []

    def open_one():
        connection = context.wrap_socket(socket.create_connection(("127.0.0.1", port)))
        ask(connection)
        connections.append(connection)

    for _ in range(20):  # what a server allocates once is not counted
        open_one()
    before = resident(pid)
    for _ in range(count):
        open_one()
    time.sleep(1.5)
    print((resident(pid) - before) // count)


main()
