"""Creates keys with the vendor's SDK, as its samples do: for each key it searches the role and creates the key.

    fleet_sdk.py COUNT              in a loop
    fleet_sdk.py COUNT processes    in a process for each key, because a sample is a program that creates one key

Run inside `swp-keys sandbox --`, which sets the environment this reads. Prints the number of keys, the seconds, and the status of the
response that ended the loop (0 if none did).
"""

import os
import subprocess
import sys
import time

import deepsecurity
from deepsecurity.rest import ApiException

VERSION = "v1"


def client(secret):
    configuration = deepsecurity.Configuration()
    configuration.host = os.environ["SWP_URL"] + "/api"
    configuration.verify_ssl = True
    configuration.ssl_ca_cert = os.environ["SWP_CA_CERT"]
    configuration.api_key = {"api-secret-key": secret}
    return deepsecurity.ApiClient(configuration)


def create(connection, name):
    criteria = deepsecurity.SearchCriteria(field_name="name", string_test="equal", string_value="Auditor")
    roles = deepsecurity.AdministratorRolesApi(connection).search_administrator_roles(
        VERSION, search_filter=deepsecurity.SearchFilter(None, [criteria])
    )
    wanted = deepsecurity.ApiKey(key_name=name, locale="en-US", role_id=roles.roles[0].id)
    deepsecurity.APIKeysApi(connection).create_api_key(wanted, VERSION)


def loop(secret, count):
    """Returns the number of keys, and the status that ended the loop."""
    connection = client(secret)
    for number in range(count):
        try:
            create(connection, f"k{number}")
        except ApiException as error:
            return number, error.status
    return count, 0


def processes(secret, count):
    for _ in range(count):
        subprocess.run([sys.executable, __file__, "1"], env=os.environ | {"SECRET": secret}, stdout=subprocess.DEVNULL, check=True)
    return count, 0


def full_access_key():
    made = subprocess.run(["swp-keys", "create", "--role", "Full Access"], stdout=subprocess.PIPE, text=True, check=True)
    return made.stdout.rstrip("\n")


def main():
    secret = os.environ.get("SECRET") or full_access_key()
    begun = time.perf_counter()
    work = processes if sys.argv[2:] == ["processes"] else loop
    created, status = work(secret, int(sys.argv[1]))
    print(created, f"{time.perf_counter() - begun:.3f}", status)


if __name__ == "__main__":
    main()
