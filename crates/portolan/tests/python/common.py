"""What the scripts beside this file share: the account they use, and what they do with a token once they have it."""

import json
import os
import ssl
import sys

import jwt
import requests

RESOURCE = "https://cloudpartner.azure.com"
SCOPE = f"{RESOURCE}/.default"
CLIENT_ID = os.environ["CLIENT_ID"]
CLIENT_SECRET = os.environ["CLIENT_SECRET"]
URL = sys.argv[1]


def call_api(token, offer):
    """Lists the publishers, saves an offer and reads its status."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    session.params = {"api-version": "2017-10-31"}
    publishers = session.get(f"{URL}/api/publishers")
    address = f"{URL}/api/publishers/contoso/offers/{offer}"
    draft = {
        "publisherId": "contoso",
        "id": offer,
        "offerTypeId": "microsoft-azure-virtualmachines",
        "definition": {"displayText": "A virtual machine", "offer": {}, "plans": []},
    }
    put = session.put(address, json=draft)
    status = session.get(f"{address}/status")
    return {
        "publishers": [publishers.status_code, [publisher["id"] for publisher in publishers.json()]],
        "put": put.status_code,
        "status": [status.status_code, status.json().get("status")],
    }


def verify(token, authority, audience):
    """Verifies a token as another service would: by the discovery document of the authority and the keys it names."""
    discovery = requests.get(f"{authority}/.well-known/openid-configuration").json()
    trusted = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
    keys = jwt.PyJWKClient(discovery["jwks_uri"], ssl_context=trusted)
    claims = jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=discovery["id_token_signing_alg_values_supported"],
        audience=audience,
        issuer=discovery["issuer"],
        options={"require": ["exp", "iat", "nbf", "iss", "aud", "sub"]},
    )
    return {"header": jwt.get_unverified_header(token), "claims": claims}


def report(results):
    """Says what happened, as JSON."""
    json.dump(results, sys.stdout)
