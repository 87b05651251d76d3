"""Writes a copy of the vendor's document for Prism or Schemathesis.

    derive.py prism|schemathesis DOCUMENT COPY

Requests are only made stricter: the vendor's document accepts everything that the copy accepts. Responses get what the document lacks
and the programs need. The document itself is not changed.
"""

import json
import os
import sys

METHODS = {"get", "post", "put", "patch", "delete"}


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method, path, operation


def pin_the_version(document):
    """Requires `api-version: v1` on every request, as the vendor's guides do. Most operations of the document allow any string."""
    for _, _, operation in operations(document):
        for parameter in operation["parameters"]:
            if parameter["name"] == "api-version":
                parameter["schema"] = {"type": "string", "enum": ["v1"]}
                parameter.pop("example", None)


# --- Prism: a server that rejects every request that violates the contract


def refuse_unknown_fields(document):
    """The manager ignores a misspelt field and returns everything, so the copy rejects it."""
    for name in ("apiKey", "searchFilter", "searchCriteria"):
        document["components"]["schemas"][name]["additionalProperties"] = False


def move_under_the_base_path(document):
    """Prism ignores the path in `servers`, and the program always sends it."""
    document["servers"] = [{"url": "/"}]
    document["paths"] = {"/api" + path: item for path, item in document["paths"].items()}


def add_responses(document):
    """Adds usable responses. Without an example Prism makes up values such as `"string"`."""
    role = {"description": "", "immutable": False, "allowUserInterface": True, "allowWebService": True}
    roles = [
        {**role, "ID": 1, "name": "Full Access", "immutable": True},
        {**role, "ID": 2, "name": "Auditor"},
    ]
    new = {"ID": 8, "keyName": "contract", "roleID": 2, "locale": "en-US", "timeZone": "UTC", "active": True}
    # The existing key differs from a created one, and belongs to the fleet `check`.
    key = {**new, "ID": 7, "description": "[swp-keys 1a2b3c4d check]"}
    examples = {
        ("post", "/sessions"): {"RID": "77DFF81036170DBF92CB71E4559512B9"},
        ("get", "/roles"): {"roles": roles},
        ("post", "/roles/search"): {"roles": roles},
        ("get", "/roles/{roleID}"): roles[1],
        ("post", "/apikeys"): {**new, "secretKey": "8:bm90IGEgc2VjcmV0LCBhbiBleGFtcGxlIG9mIG9uZSE="},
        ("get", "/apikeys"): {"apiKeys": [key]},
        ("get", "/apikeys/{apiKeyID}"): key,
        ("post", "/apikeys/{apiKeyID}"): key,
        ("post", "/apikeys/{apiKeyID}/secretkey"): {**key, "secretKey": "7:YW5vdGhlciBleGFtcGxlLCBhbmQgbm90IGEgc2VjcmV0"},
        ("post", "/apikeys/current/secretkey"): {**new, "secretKey": "8:YSB0aGlyZCBleGFtcGxlLCBhbmQgbm90IGEgc2VjcmV0"},
        ("post", "/apikeys/search"): {"apiKeys": [key]},
        ("get", "/apikeys/current"): {**new, "tenantID": 0},
    }
    for method, path, operation in operations(document):
        if (method, path) in examples:
            operation["responses"]["200"]["content"]["application/json"]["example"] = examples[method, path]


# --- Schemathesis: generates requests from the document and checks every response


def allow_refusals(document):
    """The document lists 200, 403 and 404 only. The vendor's guides add others. An error is a JSON object with a `message`."""
    message = {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}
    refusal = {"description": "refused", "content": {"application/json": {"schema": message}}}
    for _, _, operation in operations(document):
        for status in ("400", "401", "403", "404", "405", "415", "429"):
            operation["responses"][status] = refusal


def link_created_objects(document):
    """Links the ID in the response to a create with the paths, because no object has a random ID."""
    for collection, parameter in (("/roles", "roleID"), ("/apikeys", "apiKeyID")):
        links = {
            operation["operationId"]: {
                "operationId": operation["operationId"],
                "parameters": {parameter: "$response.body#/ID"},
            }
            for _, path, operation in operations(document)
            if path.startswith(f"{collection}/{{{parameter}}}")
        }
        document["paths"][collection]["post"]["responses"]["200"]["links"] = links


def add_credentials(document):
    """Adds the sandbox's credentials as an example, because generated ones never sign in."""
    with open(os.environ["SWP_PASSWORD_FILE"], encoding="utf-8") as file:
        password = file.read().rstrip("\n")
    body = document["paths"]["/sessions"]["post"]["requestBody"]["content"]["application/json"]
    body["example"] = {"userName": os.environ["SWP_USERNAME"], "password": password}


def main(program, source, target):
    with open(source, encoding="utf-8") as file:
        document = json.load(file)
    pin_the_version(document)
    if program == "prism":
        refuse_unknown_fields(document)
        add_responses(document)
        move_under_the_base_path(document)
    else:
        allow_refusals(document)
        link_created_objects(document)
        add_credentials(document)
    with open(target, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("prism", "schemathesis"):
        sys.exit(__doc__)
    main(*sys.argv[1:])
