"""A checker over HTTP: rejects offers without a name. CHECKER_SECRET=whsec_... python3 checker.py PORT"""
import base64, hashlib, hmac, json, os, sys, threading, time, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64decode(os.environ["CHECKER_SECRET"].removeprefix("whsec_"), validate=True)

def signature(name, stamp, body):
    return "v1," + base64.b64encode(hmac.digest(SECRET, f"{name}.{stamp}.".encode() + body, hashlib.sha256)).decode()

def call_back(event, sequence, **said):
    body, name, stamp = json.dumps({"id": event["id"], "sequence": sequence, **said}).encode(), f"{event['id']}-{sequence}", str(int(time.time()))
    headers = {"content-type": "application/json", "webhook-id": name, "webhook-timestamp": stamp,
               "webhook-signature": signature(name, stamp, body)}
    request = urllib.request.Request(event["data"]["callbackUrl"], body, headers)
    for wait in (1, 5, 25, 0):
        try:
            return urllib.request.urlopen(request, timeout=30).close()
        except OSError:  # Once more: the service throws away what it has heard already.
            time.sleep(wait)

def check(event):
    call_back(event, 1, state="running", progress={"done": 0, "total": 1})
    if str(event["data"]["definition"].get("displayText") or "").strip():
        return call_back(event, 2, state="passed")
    fault = {"level": "error", "code": "NAME-1", "message": "The offer has no name.", "target": "/definition/displayText"}
    call_back(event, 2, state="rejected", messages=[fault])

class Checker(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers.get("content-length", 0)), 16 << 20))
        name, stamp, signed = (self.headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
        known = stamp.isdecimal() and abs(time.time() - int(stamp)) < 300 and any(
            hmac.compare_digest(signature(name, stamp, body).encode(), one.encode()) for one in signed.split())
        self.send_response(202 if known else 401)
        self.end_headers()
        if known:
            self.wfile.write(b'{"state":"running"}')
            threading.Thread(target=check, args=[json.loads(body)]).start()

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Checker).serve_forever()
