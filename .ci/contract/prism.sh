#!/usr/bin/env bash
# Runs every command against Prism, a server that refuses each request that breaks the vendor's document.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=.ci/lib.sh
source .ci/lib.sh
# shellcheck source=.ci/tools.sh
source .ci/tools.sh

need_binary
need_contract
need_prism
scratch=$(mktemp -d)
log=$scratch/prism.log
prism_pid=
trap '[[ -z $prism_pid ]] || kill "$prism_pid"; rm -rf "$scratch"' EXIT

# The document lacks the end of a session and legacy REST, so Prism refuses both. The client ends its session with the first and, if that
# is refused, with the second. It also probes legacy REST before it signs in, and accepts any response there.
legacy='\[HTTP SERVER\] ([a-z]+ /rest/|delete /api/sessions/current)'
end_session='delete /api/sessions/current'
sign_out='delete /rest/authentication/logout'

start_prism() {
    local tries=0
    python3 .ci/contract/derive.py prism "$contract" "$scratch/contract.json"
    # Port 0 selects a free port, which Prism logs.
    "$prism" mock --errors --port 0 "$scratch/contract.json" >"$log" 2>&1 </dev/null &
    prism_pid=$!
    until url=$(grep -oE 'listening on http://[0-9.:]+' "$log"); do
        kill -0 "$prism_pid" 2>/dev/null || die "Prism did not start: $(cat "$log")"
        ((++tries <= 300)) || die "Prism did not start within a minute"
        sleep 0.2
    done
    url=${url#listening on }
}

# Checks that Prism refuses a wrong request. Otherwise the checks below could not fail.
must_refuse() {
    local expected=$1 path=$2 status
    shift 2
    status=$(curl --silent --output /dev/null --write-out '%{http_code}' --header 'Content-Type: application/json' "$@" "$url$path")
    [[ $status == "$expected" ]] || die "Prism responded with $status instead of $expected to a wrong request for $path"
}

check_that_prism_refuses() {
    local key='api-secret-key: 1:example' version='api-version: v1'
    must_refuse 422 /api/sessions --data '{"userName":"u","password":"p"}'
    must_refuse 422 /api/sessions --header "$version" --data '{"userName":"u","password":"p","mfaCode":123456}'
    must_refuse 401 /api/apikeys --header "$version" --data '{"keyName":"k","roleID":2}'
    must_refuse 401 /api/apikeys --header "$version" --header 'Cookie: sID=1' --data '{"keyName":"k","roleID":2}'
    must_refuse 422 /api/apikeys --header "$version" --header "$key" --data '{"keyName":"k","roleID":"2"}'
    must_refuse 422 /api/roles/search --header "$version" --header "$key" --data '{"search_criteria":[]}'
    # Prism may log the last refusal after its response.
    local tries=0
    until grep -q 'post /api/roles/search ✖' "$log"; do
        ((++tries <= 300)) || die "Prism did not log a refused request within a minute"
        sleep 0.2
    done
}

prepare_client() {
    printf 'not-a-password\n' >"$scratch/password"
    printf '1:bm90IGEgc2VjcmV0\n' >"$scratch/key"
    printf 'tmc12example:bm90IGEgc2VjcmV0\n' >"$scratch/cloud-one-key"
    chmod 600 "$scratch/password" "$scratch/key" "$scratch/cloud-one-key"
    forget_settings
    export SWP_URL=$url SWP_NO_INPUT=1 SWP_STATE_DIR=$scratch/state SWP_CONFIG_DIR=$scratch/config
}

# Runs the program and checks its exit code. Prism's log is checked at the end.
exits_with() {
    local expected=$1 stdout=$2 code=0
    shift 2
    "$swp_keys" "$@" >"$stdout" 2>"$scratch/stderr" || code=$?
    ((code == expected)) || die "exit code $code instead of $expected: swp-keys $*"$'\n'"$(cat "$scratch/stderr")"$'\n'"$(violations)"
    commands=$((commands + 1))
}

run() { exits_with 0 "$scratch/stdout" "$@"; }

# The secret cannot be delivered, so the key is deleted.
undoes() { exits_with 10 /dev/full "$@"; }

# Prism stores nothing, so a changed key reads as before and a deleted key still exists. The program must notice.
is_unconfirmed() { exits_with 1 "$scratch/stdout" "$@" --settle-timeout 100ms; }

# Commands that must print something.
prints() {
    run "$@"
    [[ -s $scratch/stdout ]] || die "no output: swp-keys $*"
}

with_password() { "$1" --username admin --password-file "$scratch/password" "${@:2}"; }
# Prism's key with ID 7 is named `contract`, and a created key has ID 8. A longer name looks shortened by the manager, so it is taken.
is_taken() { exits_with 6 "$scratch/stdout" "$@"; }

# Every secret signs in as the key with ID 8, so a new secret of the key with ID 7 is not delivered.
is_uncertain() {
    exits_with 11 "$scratch/stdout" "$@"
    rm "$SWP_STATE_DIR"/unfinished/*.json
}

# A rotation whose last step cannot be confirmed.
half_rotates() { exits_with 12 "$scratch/stdout" "$@"; }

# Writes the record of a run that was interrupted while it made a new secret.
write_record() {
    mkdir -p "$SWP_STATE_DIR/unfinished"
    cat >"$SWP_STATE_DIR/unfinished/0a0b0c0d.json" <<END
{"operation": "0a0b0c0d", "work": "rekey", "manager": "$url", "tenant": null, "keyName": "contract", "roleID": null,
"keyID": 7, "existingIDs": [7], "marked": true, "unique": true, "sinks": ["stdout"], "started": 0}
END
    touch -t 200001010000 "$SWP_STATE_DIR/unfinished/0a0b0c0d.json"
}

run_every_command() {
    with_password prints create --role Auditor
    with_password prints create --role Auditor --no-sign-out
    with_password prints create --role-id 2
    with_password is_taken create --role Auditor --name 'contract check' --description 'a "quoted" name, 日本'
    with_password prints create --role Auditor --expires 14d --locale ja-JP --time-zone Asia/Tokyo
    with_password prints create --role Auditor --expires never --locale en-US --output json
    with_password prints create --role Auditor --tenant acme --mfa-code 012345
    with_password prints create --role Auditor --wait 5s
    with_password run create --role Auditor --dry-run
    with_password run create --role Auditor --name contract --if-exists skip
    with_password prints create --role Auditor --verify
    with_password is_uncertain create --role Auditor --name contract --if-exists rekey
    write_record
    with_password is_uncertain recover --yes
    with_password run exec --role Auditor --ttl 10m -- true
    with_password run rotate-key 7 --dry-run
    # Prism stores nothing, so the expiry of the old key is not confirmed.
    with_password half_rotates rotate-key contract --overlap 2h --expires 14d
    rm "$SWP_STATE_DIR"/unfinished/*.json
    with_password is_uncertain rotate-key contract --in-place
    prints rotate-key --current --api-key-file "$scratch/key"
    with_password run create --role Auditor --out-file "$scratch/secret"
    with_password undoes create --role Auditor
    with_password prints find-role Auditor
    with_password prints find-role --like 'Aud%'
    with_password prints list-roles
    with_password prints show-role Auditor
    with_password run show-role 2 --diff Auditor
    with_password prints create --role-id 2 --allow-full-access
    with_password prints list-keys
    with_password run list-keys --name 'con%' --role Auditor --expiring 14d --locked
    with_password run list-keys --role-id 2 --stale 90d --output jsonl
    run list-keys --stale 90d --api-key-file "$scratch/key"
    with_password prints show-key 7
    with_password prints show-key contract --output json
    with_password run update-key contract --role Auditor --expires never --locale en-US
    with_password prints update-key contract --name 'a "quoted" name, 日本' --expires 14d --dry-run
    with_password is_unconfirmed update-key 7 --role-id 1 --name other --description 'for CI' --time-zone Asia/Tokyo
    with_password is_unconfirmed update-key 7 --locale ja-JP --expires 14d
    with_password is_unconfirmed lock-key contract
    with_password prints unlock-key contract
    with_password is_unconfirmed delete-key contract --yes
    is_unconfirmed delete-key 7 --yes --force --api-key-file "$scratch/key"
    with_password run login
    prints list-roles --username admin
    run logout --username admin
    run login --api-key-file "$scratch/key"
    prints create --role Auditor --api-key-file "$scratch/key"
    prints verify-key --key-file "$scratch/key"
    prints verify-key --key-file "$scratch/key" --fail-within 14d
    # With a session it requests administrators, which the document lacks.
    prints whoami --api-key-file "$scratch/key"
    prints create --role Auditor --api-key-file "$scratch/cloud-one-key"
    prints list-roles --api-key-file "$scratch/key" --api-key-scheme cloud-one
}

# Runs a command for a manifest with these keys, and checks that it sends a request. Key 7 belongs to the fleet `check`.
# sends REQUEST EXIT-CODE KEYS COMMAND [FLAGS...]
sends() {
    local route=$1 expected=$2 keys=$3 command=$4 before
    shift 4
    before=$(wc -l <"$log")
    printf 'fleet = "%s"\n[defaults]\nrole = "Auditor"\nexpires = "never"\nout-file = "{name}.key"\n[keys]\n%s\n' \
        "${fleet:-check}" "$keys" >"$scratch/keys.toml"
    exits_with "$expected" "$scratch/stdout" --username admin --password-file "$scratch/password" --settle-timeout 100ms \
        "$command" -f "$scratch/keys.toml" "$@"
    grep -qxF "$route" <<<"$(first_line=$before requests)" || die "no such request: $route"$'\n'"$(first_line=$before requests)"
    rm -f "$SWP_STATE_DIR"/unfinished/*.json
}

# Prism stores nothing, so `apply` does not find what it changed, and exits with 11 or 12.
run_fleet_commands() {
    local listing='post /api/apikeys/search' create='post /api/apikeys' change='post /api/apikeys/7'
    printf '7:bm90IGEgc2VjcmV0\n' >"$scratch/contract.key"
    chmod 600 "$scratch/contract.key"
    sends "$listing" 0 'contract = {}' plan --exit-code
    sends 'post /api/roles/search' 0 'contract = {}' apply
    sends 'get /api/roles/2' 0 'contract = { role-id = 2 }' plan
    sends "$create" 11 $'contract = {}\nfresh = { description = "日本", expires = "14d", locale = "ja-JP", time-zone = "Asia/Tokyo" }' apply
    sends "$change" 12 'contract = { role = "Full Access", allow-full-access = true, description = "new", expires = "14d" }' apply
    sends "$change" 12 'contract = { locale = "ja-JP", time-zone = "Asia/Tokyo", expires = "14d" }' apply
    sends "$change" 12 'renamed = { was = "contract" }' apply
    sends "$change" 12 'contract = { locked = true }' apply --yes
    fleet=other sends "$change" 12 'contract = { adopt = "check" }' apply
    sends 'delete /api/apikeys/7' 12 '' apply --prune --prune-used --prune-at-most 1 --yes
    # This secret does not contain the ID of its key, so the manager is asked for it. It names another key than the search.
    printf '3fa85f64-5717-4562-b3fc-2c963f66afa6:bm90IGEgc2VjcmV0\n' >"$scratch/contract.key"
    sends 'get /api/apikeys/current' 12 'contract = {}' apply --verify
    rm "$scratch/contract.key"
    sends "$create" 11 'contract = { on-missing = "rotate" }' apply
    sends 'post /api/apikeys/7/secretkey' 11 'contract = { on-missing = "rekey" }' apply --yes
}

violations() { tail -n "+$((first_line + 1))" "$log" | grep '✖' | grep -vE "$legacy" || true; }

requests() { tail -n "+$((first_line + 1))" "$log" | grep 'Request received' | grep -oE '(get|post|put|delete) /[^ ]*'; }

check_the_log() {
    [[ -z $(violations) ]] || die "Prism refused requests:"$'\n'"$(violations)"
    local route
    for route in 'post /api/sessions' 'post /api/roles/search' 'post /api/apikeys' 'post /api/apikeys/search' \
        'delete /api/apikeys/7' 'get /api/apikeys/7' 'get /api/apikeys/current' 'get /api/roles/2' 'post /api/apikeys/7/secretkey' \
        'post /api/apikeys/7' 'post /api/apikeys/current/secretkey' "$end_session" "$sign_out"; do
        # Not a pipe: `grep -q` exits at the first match, and the writer would fail.
        grep -qxF "$route" <<<"$(requests)" || die "no command sent this request: $route"
    done
}

commands=0
start_prism
check_that_prism_refuses
first_line=$(wc -l <"$log")
prepare_client
run_every_command
run_fleet_commands
check_the_log
say "Prism accepted every request of $commands commands, except legacy REST and the end of a session, which the document lacks:"
requests | sort | uniq -c
