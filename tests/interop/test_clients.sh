#!/usr/bin/env bash
# Several clients ask the engine for everything at once, for a while, with two that listen: each gets its answer, and the
# engine's memory, descriptors and SAs are afterwards what they were.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

CLIENTS=4
SPAN=12

ASKS=("--initiate --child net --timeout 2" "--initiate --child net --timeout -1" "--terminate --ike peer --timeout 1"
    "--terminate --child net --force" "--rekey --child net" "--rekey --ike peer" "--rekey --ike peer --reauth"
    "--list-sas --raw" "--list-conns --raw" "--list-pols --raw" "--install --child net" "--uninstall --child net"
    "--load-all" "--counters" "--stats")

# Whether it succeeds is a matter of what the others do; an answer there must be.
client() {
    local end=$((SECONDS + SPAN)) n=0 status words
    while ((SECONDS < end)); do
        read -ra words <<<"${ASKS[RANDOM % ${#ASKS[@]}]}"
        status=0
        pair_swanctl a "${words[@]}" >/dev/null 2>&1 || status=$?
        ((status != 124)) || pair_fail "no answer to ${words[*]}"
        n=$((n + 1))
    done
    printf '%s\n' "$n" >"$PAIR_DIR/asked.$1"
}

listener() {
    STRONGSWAN_CONF=$PAIR_DIR/a/strongswan.conf "$PAIR_DIR/bin/swanctl" "$1" --uri "unix://$PAIR_DIR/a/vici" \
        >"$PAIR_DIR/heard$1" 2>&1 &
}

descriptors() {
    find "/proc/$(pair_pid a)/fd" -mindepth 1 | wc -l
}

no_more_than() {
    (($(descriptors) <= $1))
}

kilobytes() {
    awk '$1 == "VmRSS:" { print $2 }' "/proc/$(pair_pid a)/status"
}

at_rest() {
    pair_swanctl a --terminate --ike peer --force >/dev/null 2>&1 || :
    [[ $(pair_list a) == 'list-sas reply {}' ]]
}

pair_needs
pair_up
pair_start a && pair_start b "dos_protection = no" # attempts that are broken off look like an attack
pair_load b && pair_load a
pair_check "a begins" pair_initiate a
pair_check "a ends it" pair_swanctl a --terminate --ike peer
before=$(descriptors) memory=$(kilobytes) pids=()
listener --log
listener --monitor-sa
listeners=("$(jobs -p)")
for ((i = 0; i < CLIENTS; i++)); do
    client "$i" &
    pids+=($!)
done
for pid in "${pids[@]}"; do
    wait "$pid" || pair_fail "a client"
done
# shellcheck disable=SC2086  # a list of ids
kill ${listeners[0]}
pair_until "no SA is left" 10 at_rest
pair_until "as many descriptors as before" 10 no_more_than "$before"
(($(kilobytes) < memory + 8192)) || pair_fail "memory grew from $memory to $(kilobytes) kB"
pair_step "ok: $(awk '{ n += $1 } END { print n }' "$PAIR_DIR"/asked.*) answers; memory $memory -> $(kilobytes) kB"
pair_check "a tunnel can be made" pair_initiate a
pair_check "and passes packets" pair_ping a
[[ $(pair_clear) == 0 ]] || pair_fail "packets in clear"
