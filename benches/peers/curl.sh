#!/bin/sh
# The usual recipe: three calls of curl, with jq between them.
#   curl.sh URL PASSWORD-FILE CA-FILE
set -eu
url=$1
ca=$3
password=$(cat "$2")
cookies=$(mktemp)
trap 'rm -f "$cookies"' EXIT

call() { curl -sS --fail --cacert "$ca" -H 'api-version: v1' -H 'Content-Type: application/json' "$@"; }

rid=$(call -c "$cookies" -d "{\"userName\":\"admin\",\"password\":\"$password\"}" "$url/api/sessions" | jq -r .RID)
role=$(call -b "$cookies" -H "rID: $rid" \
    -d '{"searchCriteria":[{"fieldName":"name","stringTest":"equal","stringValue":"Auditor"}]}' \
    "$url/api/roles/search" | jq '.roles[0].ID')
call -b "$cookies" -H "rID: $rid" -d "{\"keyName\":\"curl recipe\",\"roleID\":$role,\"locale\":\"en-US\"}" \
    "$url/api/apikeys" | jq -r .secretKey
