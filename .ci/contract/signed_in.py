"""What Schemathesis needs to know of the sandbox: how to sign in; and a count of its answers."""

import atexit
import collections
import functools
import json
import os

import requests
import schemathesis

URL = os.environ["SWP_URL"] + "/api"
answers = collections.defaultdict(collections.Counter)


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


@functools.cache
def session():
    """One for the whole run: nothing in the document ends it."""
    with open(os.environ["SWP_PASSWORD_FILE"], encoding="utf-8") as file:
        password = file.read().rstrip("\n")
    answer = call("/sessions", {"userName": os.environ["SWP_USERNAME"], "password": password})
    return answer.cookies["sID"], answer.json()["RID"]


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/(roles|apikeys)").skip_for(path_regex="^/apikeys/current")
class WithSession:
    """A session of an administrator with Full Access."""

    def get(self, case, context):
        return session()

    def set(self, case, ids, context):
        case.cookies["sID"], case.headers["rID"] = ids


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/apikeys/current")
class WithKey:
    """`current` is the key that signed the request, so these need one; a session has no key. A fresh one every time, because
    the requests give it a new secret, and nothing behind the sign-in is checked with a dead one."""

    def get(self, case, context):
        sid, rid = session()
        key = {"keyName": "schemathesis", "roleID": 1}
        return call("/apikeys", key, {"Cookie": f"sID={sid}", "rID": rid}).json()["secretKey"]

    def set(self, case, secret, context):
        case.headers["api-secret-key"] = secret


@schemathesis.hook
def after_call(context, case, response):
    answers[case.operation.label][response.status_code] += 1


@atexit.register
def keep_answers():
    with open(os.environ["ANSWERS"], "w", encoding="utf-8") as file:
        json.dump(answers, file, indent=1, sort_keys=True)
