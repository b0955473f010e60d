"""Verifies a start request, and signs a callback, with the reference library of Standard Webhooks.

Gets {"secret", "headers", "body", "callback"} on standard input; says the headers of the callback."""
import datetime
import json
import sys

from standardwebhooks import Webhook

given = json.load(sys.stdin)
webhook = Webhook(given["secret"])
webhook.verify(given["body"], given["headers"])
now = datetime.datetime.now(tz=datetime.timezone.utc)
print(json.dumps({
    "webhook-id": "from-python",
    "webhook-timestamp": str(int(now.timestamp())),
    "webhook-signature": webhook.sign("from-python", now, given["callback"]),
}))
