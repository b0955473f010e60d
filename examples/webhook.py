"""A webhook: takes events whose signature is right, each once. WEBHOOK_SECRET=whsec_... python3 webhook.py PORT"""
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

# After a rotation the secret before signs too, for a day: a receiver that knows either takes what comes.
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
had = set()  # Yours is a table, written in the transaction that does the work.


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), 16 << 20))
        try:
            webhook.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):
            return self.answer(401)
        event, name = json.loads(body), self.headers["webhook-id"]
        if name not in had:
            had.add(name)
            offer = event["data"]["entry"] if "data" in event else {}
            print(event["type"], offer.get("publisherId", ""), offer.get("offerId", ""), flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
