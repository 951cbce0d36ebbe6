#!/usr/bin/env bash
# Both sides rekey the IKE_SA and the CHILD_SA every few seconds, under traffic in both directions: no echo is lost, no SA
# is lost or left over, no packet leaves in clear. PAIR_SECONDS (20) of it.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

PAIR_SECONDS=${PAIR_SECONDS:-20}

pair_needs
pair_up

# Answers that are late by more than a second count as lost.
echoes() {
    local node=$1 other
    other=$(pair_other "$node")
    pair_exec "$node" ping -q -n -i 0.05 -W 1 -w "$PAIR_SECONDS" -I "$(pair_inside "$node")" "$(pair_inside "$other")"
}

lost() {
    sed -n 's/\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$1" | awk '{ print $1 - $2 }'
}

settled() {
    local node
    for node in a b; do
        [[ $(pair_sas "$node") == 1 && $(pair_children "$node") == 1 ]] || return 1
    done
}

# rekeys A_KIND B_KIND
rekeys() {
    local node pid_a pid_b lost_a lost_b
    pair_kind a "$1" && pair_kind b "$2"
    for node in a b; do
        pair_set "$node" conn="rekey_time = 5s
        over_time = 30s
        rand_time = 1s" child="rekey_time = 3s
                life_time = 30s
                rand_time = 1s"
    done
    pair_start a && pair_start b
    pair_load b && pair_load a
    pair_check "$1 and $2" pair_initiate a
    pair_until "an echo" 5 pair_ping a
    echoes a >"$PAIR_DIR/ping-a" 2>&1 &
    pid_a=$!
    echoes b >"$PAIR_DIR/ping-b" 2>&1 &
    pid_b=$!
    wait "$pid_a" "$pid_b" || :
    lost_a=$(lost "$PAIR_DIR/ping-a") lost_b=$(lost "$PAIR_DIR/ping-b")
    # The last request of a run may be under way when it ends.
    ((lost_a <= 1 && lost_b <= 1)) || pair_fail "$1 and $2: echoes lost: $lost_a from a, $lost_b from b"
    pair_until "$1 and $2: one IKE_SA and one CHILD_SA on each side" 10 settled
    [[ $(pair_clear) == 0 ]] || pair_fail "packets in clear"
    pair_step "ok: $1 and $2: $PAIR_SECONDS s of rekeying by both sides, echoes lost: $lost_a and $lost_b"
    pair_stop a && pair_stop b
}

if [[ ${PAIR_A:-engine} == engine ]]; then
    rekeys engine charon
    rekeys engine engine
else
    rekeys "$PAIR_A" charon
fi
