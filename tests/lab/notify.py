"""The service manager's end of sd_notify. Arguments: socket to make, file for what comes.

Each message becomes one line of JSON: {"at": seconds, "READY": "1", ...}.
"""

import json
import socket
import sys
import time

PATH, LOG = sys.argv[1:]

receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(PATH)
with open(LOG, "a", encoding="utf-8") as log:
    while True:
        message = receiver.recv(65536).decode("utf-8", "replace")
        entry = {"at": time.clock_gettime(time.CLOCK_MONOTONIC)}
        entry.update(line.split("=", 1) for line in message.splitlines() if "=" in line)
        log.write(json.dumps(entry) + "\n")
        log.flush()
