#!/usr/bin/env bash
# Runs the two calls of the vendor's page "Create an API Key Using Code" against the sandbox: sign in with a cookie file, then create a key
# with the cookie and the rID header. Then it uses the new key once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh

if [[ ${1:-} != inside ]]; then
    need_binary
    forget_settings
    exec "$swp_keys" sandbox -- bash .ci/contract/curl-recipe.sh inside
fi

make_scratch
umask 077

field() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$scratch/$1" "$2"; }

# --fail makes any status but 2xx an error. Bodies and secret headers go through files to stay out of the argument list.
call() {
    curl --silent --show-error --fail --cacert "$SWP_CA_CERT" --header 'Content-Type: application/json' \
        --header 'api-version: v1' "$@"
}

SWP_USER=$SWP_USERNAME python3 >"$scratch/sign-in.json" <<'PYTHON'
import json, os
password = open(os.environ["SWP_PASSWORD_FILE"]).read().rstrip("\n")
print(json.dumps({"userName": os.environ["SWP_USER"], "password": password}))
PYTHON

call --cookie-jar "$scratch/cookie.txt" --data "@$scratch/sign-in.json" --output "$scratch/session.json" "$SWP_URL/api/sessions"
grep -q 'sID' "$scratch/cookie.txt" || die "the cookie file has no sID"
printf 'rID: %s\n' "$(field session.json RID)" >"$scratch/rid"

call --cookie "$scratch/cookie.txt" --header "@$scratch/rid" --data '{"keyName":"curl recipe","description":"made with curl",
    "locale":"en-US","roleID":1,"timeZone":"America/New_York"}' --output "$scratch/key.json" "$SWP_URL/api/apikeys"
printf 'api-secret-key: %s\n' "$(field key.json secretKey)" >"$scratch/secret"

call --header "@$scratch/secret" --output "$scratch/current.json" "$SWP_URL/api/apikeys/current"
[[ $(field current.json ID) == "$(field key.json ID)" ]] || die "the new key signed in as another key"
say "curl signed in, created key $(field key.json ID) and signed in with it"
