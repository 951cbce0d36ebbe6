"""Accepts TCP connections on every address, greets and closes. Argument: the port."""

import socket
import sys

with socket.create_server(("", int(sys.argv[1])), backlog=64) as server:
    while True:
        client, _ = server.accept()
        with client:
            try:
                client.sendall(b"lab\n")
            except OSError:
                pass
