#!/usr/bin/env python3
"""A checker over HTTP: rejects offers without a name. CHECKER_SECRET=whsec_... python3 checker.py [port]"""
import base64, hashlib, hmac, json, os, sys, threading, time, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64decode(os.environ["CHECKER_SECRET"].removeprefix("whsec_"), validate=True)

def signature(name, stamp, body):
    return "v1," + base64.b64encode(hmac.digest(SECRET, f"{name}.{stamp}.".encode() + body, hashlib.sha256)).decode()

def call_back(event, sequence, **said):
    body, name = json.dumps({"sequence": sequence, **said}).encode(), f"{event['id']}-{sequence}"
    for wait in (1, 5, 25, 0):
        stamp = str(int(time.time()))
        headers = {"content-type": "application/json", "webhook-id": name, "webhook-timestamp": stamp,
                   "webhook-signature": signature(name, stamp, body)}
        try:
            return urllib.request.urlopen(urllib.request.Request(event["data"]["callbackUrl"], body, headers), timeout=30).close()
        except OSError as error:  # Try again: the service throws away what it has heard already.
            print(f"{name}: {error}", file=sys.stderr)
            time.sleep(wait)

def check(event):
    call_back(event, 1, state="running", progress={"done": 0, "total": 1})
    named = str(event["data"]["definition"].get("displayText") or "").strip()
    missing = {"level": "error", "code": "NAME-1", "message": "The offer has no name.", "target": "/definition/displayText", "mend": "Give it one."}
    call_back(event, 2, state="passed" if named else "rejected", progress={"done": 1, "total": 1}, messages=[] if named else [missing])

class Checker(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), 16 << 20))
        name, stamp, signed = (self.headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
        fresh = stamp.isdecimal() and abs(time.time() - int(stamp)) < 300
        known = fresh and any(hmac.compare_digest(signature(name, stamp, body).encode(), one.encode()) for one in signed.split())
        self.send_response(202 if known else 401)
        self.end_headers()
        self.wfile.write(b'{"state":"running"}' if known else b'{}')
        if known:
            threading.Thread(target=check, args=[json.loads(body)]).start()

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8099), Checker).serve_forever()
