"""Receives webhooks of Dossier, and believes those alone whose signature is right (Standard Webhooks).

    WEBHOOK_SECRET=whsec_... python3 webhook_receiver.py [PORT]

The service sends to http://127.0.0.1:8090/ only with DOSSIER_WEBHOOK_ALLOW_HTTP=true and
DOSSIER_WEBHOOK_ALLOW_NETWORKS=127.0.0.0/8.

An event may come more than once: `webhook-id` is the same then. Answer quickly, and do the work
afterwards; whatever isn't answered 2xx within 20 s is sent again later.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

TOLERANCE = 300


def is_signed(secret, headers, body):
    """Whether a signature of the request is of this secret, and recent."""
    try:
        sent = int(headers["webhook-timestamp"])
    except (TypeError, ValueError):
        return False
    if abs(time.time() - sent) > TOLERANCE:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    # While a secret is replaced, both sign.
    signatures = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(f"v1,{expected}", signature) for signature in signatures)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Prints each event once."""

    seen = set()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if not is_signed(os.environ["WEBHOOK_SECRET"], self.headers, body):
            self.send_error(401)
            return
        if self.headers["webhook-id"] not in self.seen:
            self.seen.add(self.headers["webhook-id"])
            event = json.loads(body)
            print(event["type"], event["timestamp"], flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8090
    server = http.server.HTTPServer(("127.0.0.1", port), Receiver)
    print(f"listens at port {server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
