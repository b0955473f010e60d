"""Verifies requests to webhooks with the reference library of Standard Webhooks, at the time when they were sent.

Gets a list of {"secret", "headers", "body", "now"} on standard input; says for each whether it is taken."""
import datetime
import json
import sys

import standardwebhooks.webhooks as library


def taken(given):
    class Then(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(given["now"], tz)

    library.datetime = Then
    try:
        library.Webhook(given["secret"]).verify(given["body"], given["headers"])
        return True
    except library.WebhookVerificationError:
        return False


print(json.dumps([taken(given) for given in json.load(sys.stdin)]))
