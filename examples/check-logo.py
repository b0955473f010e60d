#!/usr/bin/env python3
"""A check that is a program: logos are PNGs; small, medium and large ones are square. The job comes on standard input."""
import json
import struct
import sys
import urllib.request


def say(**line):
    print(json.dumps(line), flush=True)


def fault(url, target):
    """What is wrong with a logo, and how to mend it; nothing where it is as it has to be."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        head = answer.read(24)
    if head[:8] != b"\x89PNG\r\n\x1a\n" or len(head) < 24:
        return "LOGO-1", "The logo is no PNG.", "Save it as PNG."
    width, height = struct.unpack(">II", head[16:24])
    if width != height and not any(form in target for form in ("wide", "hero")):
        return "LOGO-2", f"The logo is {width} x {height}.", "Make it square."
    if not 40 <= width <= 900:
        return "LOGO-3", f"The logo is {width} pixels wide.", "Make it 40 to 900 pixels wide."
    return None


job = json.load(sys.stdin)
logos = [artifact for artifact in job["artifacts"] if "logo" in artifact["target"].lower()]
report = "passed"
for done, logo in enumerate(logos, 1):
    # A logo that cannot be fetched raises: the program fails, and is run again. That is not the publisher's fault.
    found = fault(logo["url"], logo["target"].lower())
    if found:
        code, text, mend = found
        say(message={"level": "error", "code": code, "message": text, "target": logo["target"], "mend": mend})
        report = "rejected"
    say(progress={"done": done, "total": len(logos)})
say(report=report)
