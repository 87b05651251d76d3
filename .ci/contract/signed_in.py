"""Hooks for Schemathesis: sign in to the sandbox, and count its responses."""

import atexit
import collections
import functools
import json
import os

import requests
import schemathesis

URL = os.environ["SWP_URL"] + "/api"
responses = collections.defaultdict(collections.Counter)


def call(path, body, headers=None):
    response = requests.post(
        URL + path,
        json=body,
        headers={"api-version": "v1", **(headers or {})},
        verify=os.environ["SWP_CA_CERT"],
        timeout=10,
    )
    response.raise_for_status()
    return response


@functools.cache
def session():
    """Signs in once for the whole run. No operation of the document ends a session."""
    with open(os.environ["SWP_PASSWORD_FILE"], encoding="utf-8") as file:
        password = file.read().rstrip("\n")
    response = call("/sessions", {"userName": os.environ["SWP_USERNAME"], "password": password})
    return response.cookies["sID"], response.json()["RID"]


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/(roles|apikeys)").skip_for(path_regex="^/apikeys/current")
class WithSession:
    """A session of an administrator with Full Access."""

    def get(self, case, context):
        return session()

    def set(self, case, ids, context):
        case.cookies["sID"], case.headers["rID"] = ids


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/apikeys/current")
class WithKey:
    """A new key for each request. `current` is the key that authenticated the request, and the requests replace its secret."""

    def get(self, case, context):
        sid, rid = session()
        key = {"keyName": "schemathesis", "roleID": 1}
        return call("/apikeys", key, {"Cookie": f"sID={sid}", "rID": rid}).json()["secretKey"]

    def set(self, case, secret, context):
        case.headers["api-secret-key"] = secret


@schemathesis.hook
def after_call(context, case, response):
    responses[case.operation.label][response.status_code] += 1


@atexit.register
def write_responses():
    with open(os.environ["RESPONSES"], "w", encoding="utf-8") as file:
        json.dump(responses, file, indent=1, sort_keys=True)
