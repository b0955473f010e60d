"""Uses Portolan with adal. usage: with_adal.py URL TENANT..."""

import sys
from datetime import datetime

import adal

from common import CLIENT_ID, CLIENT_SECRET, RESOURCE, URL, call_api, report, verify

results = {}
for number, tenant in enumerate(sys.argv[2:]):
    authority = f"{URL}/{tenant}"
    results[tenant] = {}
    for name, resource in (("plain", RESOURCE), ("slash", f"{RESOURCE}/")):
        # With api_version=None there is no ?api-version=1.0 in the address of the endpoint.
        for version in ("1.0", None):
            context = adal.AuthenticationContext(authority, validate_authority=False, api_version=version)
            answer = context.acquire_token_with_client_credentials(resource, CLIENT_ID, CLIENT_SECRET)
            again = context.acquire_token_with_client_credentials(resource, CLIENT_ID, CLIENT_SECRET)
            token = answer["accessToken"]
            expires = datetime.strptime(answer["expiresOn"], "%Y-%m-%d %H:%M:%S.%f")
            results[tenant][f"{name} {version}"] = {
                "members": {name: value for name, value in answer.items() if name != "accessToken"},
                "seconds_left": (expires - datetime.now()).total_seconds(),
                "from_cache": again["accessToken"] == token,
                "api": call_api(token, f"adal-{number}"),
                "verified": verify(token, authority, resource),
            }
    context = adal.AuthenticationContext(authority, validate_authority=False)
    try:
        context.acquire_token_with_client_credentials(RESOURCE, CLIENT_ID, "wrong")
    except adal.AdalError as error:
        results[tenant]["refused"] = error.error_response
    try:
        context.acquire_token_with_client_credentials("https://elsewhere.example", CLIENT_ID, CLIENT_SECRET)
    except adal.AdalError as error:
        results[tenant]["refused_resource"] = error.error_response
report(results)
