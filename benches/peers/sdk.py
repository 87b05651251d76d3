"""Finds the role and creates a key with the vendor's SDK, as its samples do. The SDK cannot sign in, so it uses an API key.

    sdk.py URL CA-FILE
"""

import sys

import deepsecurity

VERSION = "v1"

configuration = deepsecurity.Configuration()
configuration.host = sys.argv[1] + "/api"
configuration.verify_ssl = True
configuration.ssl_ca_cert = sys.argv[2]
configuration.api_key = {"api-secret-key": "2:VGhpcyBpcyBub3QgYSBzZWNyZXQgYnV0IGEgc2FtcGxl"}
connection = deepsecurity.ApiClient(configuration)

criteria = deepsecurity.SearchCriteria(field_name="name", string_test="equal", string_value="Auditor")
found = deepsecurity.AdministratorRolesApi(connection).search_administrator_roles(
    VERSION, search_filter=deepsecurity.SearchFilter(None, [criteria])
)
wanted = deepsecurity.ApiKey(key_name="SDK", locale="en-US", role_id=found.roles[0].id)
print(deepsecurity.APIKeysApi(connection).create_api_key(wanted, VERSION).secret_key)
