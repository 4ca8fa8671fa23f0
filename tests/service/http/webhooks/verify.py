"""Verifies a message of standard input with the library of the specification, and prints its type."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

message = json.load(sys.stdin)
try:
    print(Webhook(message["secret"]).verify(message["body"], message["headers"])["type"])
except WebhookVerificationError:
    print("refused")
