"""A receiver of webhooks. Arguments: address, port, file for the bodies, file whose presence makes it fail.

Each delivery becomes one line of JSON: {"at": seconds, "path": ..., "headers": {...}, "status": ..., "body": {...}}.
"""

import http.server
import json
import os
import sys
import time

ADDRESS, PORT, LOG, BROKEN = sys.argv[1:]


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(length)
        status = 503 if os.path.exists(BROKEN) else 200
        try:
            document = json.loads(body)
        except ValueError:
            document, status = body.decode("utf-8", "replace"), 400
        entry = {
            "at": time.time(),
            "path": self.path,
            "headers": {k.lower(): v for k, v in self.headers.items()},
            "status": status,
            "body": document,
        }
        with open(LOG, "a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer((ADDRESS, int(PORT)), Receiver).serve_forever()
