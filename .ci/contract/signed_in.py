"""Signs Schemathesis in to the sandbox, for every request anew.

For every request, because the requests themselves end sessions and lock, re-key and delete keys; a credential that is used
twice may be dead the second time, and then nothing behind the sign-in is checked any more.
"""

import os

import requests
import schemathesis

URL = os.environ["SWP_URL"] + "/api"


def call(path, body, headers=None):
    answer = requests.post(
        URL + path,
        json=body,
        headers={"api-version": "v1", **(headers or {})},
        verify=os.environ["SWP_CA_CERT"],
        timeout=10,
    )
    answer.raise_for_status()
    return answer


def session_headers():
    with open(os.environ["SWP_PASSWORD_FILE"], encoding="utf-8") as file:
        password = file.read().rstrip("\n")
    answer = call("/sessions", {"userName": os.environ["SWP_USERNAME"], "password": password})
    return {"Cookie": "sID=" + answer.cookies["sID"], "rID": answer.json()["RID"]}


class SignedIn:
    def get(self, case, context):
        return session_headers()

    def set(self, case, headers, context):
        case.headers.update(headers)


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/(roles|apikeys)").skip_for(path_regex="^/apikeys/current")
class WithSession(SignedIn):
    """A session of an administrator with Full Access."""


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/apikeys/current")
class WithKey(SignedIn):
    """`current` is the key that signed the request, so these need one; a session has no key."""

    def get(self, case, context):
        key = {"keyName": "schemathesis", "roleID": 1}
        return {"api-secret-key": call("/apikeys", key, session_headers()).json()["secretKey"]}
