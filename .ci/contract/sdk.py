"""Uses the sandbox with the vendor's SDK (deep-security-api) and a key that swp-keys created.

Run by sdk.sh inside `swp-keys sandbox --`, which sets the environment this reads.
"""

import os
import subprocess
import time

import deepsecurity
from deepsecurity.rest import ApiException

VERSION = "v1"


def check(holds, what):
    """Like `assert`, but not removed by `python -O`."""
    if not holds:
        raise SystemExit(f"the SDK and the sandbox disagree: {what}")


def secret_from_swp_keys():
    made = subprocess.run(
        ["swp-keys", "create", "--role", "Full Access"], stdout=subprocess.PIPE, text=True, check=True
    )
    return made.stdout.rstrip("\n")


def client(secret):
    """By default the SDK does not verify TLS, and all of its configurations share one `api_key`."""
    configuration = deepsecurity.Configuration()
    configuration.host = os.environ["SWP_URL"] + "/api"
    configuration.verify_ssl = True
    configuration.ssl_ca_cert = os.environ["SWP_CA_CERT"]
    configuration.api_key = {"api-secret-key": secret}
    return deepsecurity.ApiClient(configuration)


def refused(call, *arguments):
    """Makes a call that must fail and returns its status."""
    try:
        call(*arguments)
    except ApiException as error:
        return error.status
    raise SystemExit(f"{call.__name__} was not refused")


def find_role(api, name):
    """Searches as the vendor's samples do: with wildcards, and taking the first match."""
    criteria = deepsecurity.SearchCriteria(field_name="name", string_test="equal", string_value=name)
    found = api.search_administrator_roles(
        VERSION, search_filter=deepsecurity.SearchFilter(None, [criteria])
    )
    check(len(found.roles) == 1, f"{len(found.roles)} roles are named {name}")
    return found.roles[0]


def create_key(api, role):
    in_14_days = int((time.time() + 14 * 24 * 3600) * 1000)
    wanted = deepsecurity.ApiKey(
        key_name="created by the SDK", description="a check", locale="en-US", role_id=role.id,
        time_zone="Asia/Tokyo", expiry_date=in_14_days,
    )
    key = api.create_api_key(wanted, VERSION)
    for field in ("key_name", "description", "locale", "role_id", "time_zone", "expiry_date"):
        check(getattr(key, field) == getattr(wanted, field), f"create changed {field}")
    check(key.id and key.secret_key and key.active, "create did not return an ID, a secret and an active key")
    return key


def modify_key(api, key):
    change = deepsecurity.ApiKey(description="changed", locale="ja-JP")
    changed = api.modify_api_key(key.id, change, VERSION)
    check(changed.description == "changed" and changed.locale == "ja-JP", "modify changed nothing")
    described = api.describe_api_key(key.id, VERSION)
    check(described.description == "changed", "the change was not stored")
    check(described.key_name == key.key_name, "modify changed another field")
    check(described.secret_key is None, "describe returns the secret")


def reset_secret(api, key):
    again = api.replace_api_secret_key(key.id, VERSION)
    check(again.secret_key and again.secret_key != key.secret_key, "reset returned no new secret")
    old = deepsecurity.APIKeysApi(client(key.secret_key))
    check(refused(old.describe_current_api_key, VERSION) in (401, 403), "the old secret still works")
    return again.secret_key


def search_key(api, name):
    criteria = deepsecurity.SearchCriteria(field_name="keyName", string_test="equal", string_value=name)
    return api.search_api_keys(VERSION, search_filter=deepsecurity.SearchFilter(None, [criteria])).api_keys


def main():
    connection = client(secret_from_swp_keys())
    keys = deepsecurity.APIKeysApi(connection)
    roles = deepsecurity.AdministratorRolesApi(connection)

    current = keys.describe_current_api_key(VERSION)
    check(current.role_id == find_role(roles, "Full Access").id, "the key that swp-keys created has another role")

    auditor = find_role(roles, "Auditor")
    key = create_key(keys, auditor)
    check([found.id for found in search_key(keys, key.key_name)] == [key.id], "search does not find the key")
    modify_key(keys, key)
    secret = reset_secret(keys, key)

    # An Auditor key may neither read nor create keys.
    as_auditor = deepsecurity.APIKeysApi(client(secret))
    check(refused(as_auditor.list_api_keys, VERSION) == 403, "an Auditor key lists keys")
    check(refused(as_auditor.create_api_key, deepsecurity.ApiKey(key_name="x", role_id=1), VERSION) == 403,
          "an Auditor key creates keys")

    keys.delete_api_key(key.id, VERSION)
    check(refused(keys.describe_api_key, key.id, VERSION) == 404, "a deleted key still exists")
    check(search_key(keys, key.key_name) == [], "a deleted key is still found")
    print("the SDK searched a role, created, described, modified, reset and deleted a key")


if __name__ == "__main__":
    main()
