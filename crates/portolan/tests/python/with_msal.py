"""Uses Portolan with msal. usage: with_msal.py URL TENANT..."""

import sys

import msal

from common import CLIENT_ID, CLIENT_SECRET, RESOURCE, SCOPE, URL, call_api, report, verify


def application(secret=CLIENT_SECRET, **where):
    return msal.ConfidentialClientApplication(CLIENT_ID, client_credential=secret, **where)


def use(offer, issuer, audience, **where):
    client = application(**where)
    first = client.acquire_token_for_client(scopes=[SCOPE])
    second = client.acquire_token_for_client(scopes=[SCOPE])
    token = first.pop("access_token")
    return {
        "members": first,
        "from_cache": second["token_source"] == "cache" and second["access_token"] == token,
        "api": call_api(token, offer),
        "verified": verify(token, issuer, audience),
    }


def refused(**where):
    return application("wrong", **where).acquire_token_for_client(scopes=[SCOPE])


results = {}
for number, tenant in enumerate(sys.argv[2:]):
    authority = f"{URL}/{tenant}"
    entra = {"authority": authority, "instance_discovery": False}
    oidc = {"oidc_authority": f"{authority}/v2.0"}
    # As Portolan is not one of the authorities that msal has a list of, it asks whether it is one; here of Portolan itself.
    found = {"authority": authority, "instance_discovery": f"{URL}/common/discovery/instance"}
    results[tenant] = {
        "authority": use(f"msal-{number}", f"{authority}/v2.0", RESOURCE, **entra),
        "oidc_authority": use(f"msal-oidc-{number}", f"{authority}/v2.0", RESOURCE, **oidc),
        "instance_discovery": use(f"msal-found-{number}", f"{authority}/v2.0", RESOURCE, **found),
        "refused": refused(**entra),
        "refused_oidc": refused(**oidc),
    }
report(results)
