"""Uses Portolan with azure-identity. usage: with_azure_identity.py URL TENANT..."""

import os
import sys
import time

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

from common import CLIENT_ID, CLIENT_SECRET, RESOURCE, SCOPE, URL, call_api, report, verify


def credential(tenant, secret):
    return ClientSecretCredential(
        tenant,
        CLIENT_ID,
        secret,
        authority=URL,
        disable_instance_discovery=True,
        connection_verify=os.environ["REQUESTS_CA_BUNDLE"],
    )


results = {}
for number, tenant in enumerate(sys.argv[2:]):
    known = credential(tenant, CLIENT_SECRET)
    first = known.get_token(SCOPE)
    results[tenant] = {
        "seconds_left": first.expires_on - time.time(),
        "from_cache": known.get_token(SCOPE).token == first.token,
        "api": call_api(first.token, f"identity-{number}"),
        "verified": verify(first.token, f"{URL}/{tenant}/v2.0", RESOURCE),
    }
    try:
        credential(tenant, "wrong").get_token(SCOPE)
    except ClientAuthenticationError as error:
        results[tenant]["refused"] = error.message
report(results)
