#!/usr/bin/env bash
# What IKE_AUTH can do beyond RFC 7296: postquantum preshared keys (RFC 8784) and childless IKE_SAs (RFC 6023).
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs
pair_up

start() {
    pair_start a && pair_start b
    pair_load b && pair_load a
}

# Both begin once.
both_begin() {
    local node
    start
    for node in a b; do
        pair_check "$1, $node begins" pair_initiate "$node"
        pair_check "an echo" pair_ping a
        pair_check "$node ends it" pair_swanctl "$node" --terminate --ike peer --timeout 5
    done
    pair_stop a && pair_stop b
}

ppk=$'ppk-1 {\n id-1 = ppk.example\n secret = 0sUXVhbnR1bSBjb21wdXRlcnMgYXJlIGNvbWluZyE=\n }'
other=$'ppk-1 {\n id-1 = ppk.example\n secret = 0sU29tZXRoaW5nIGVsc2UgaGVyZQ==\n }'
wish=$'ppk_id = ppk.example\n'

for node in a b; do
    pair_set "$node" conn="$wish ppk_required = yes" secrets="$ppk"
done
both_begin "a PPK that both require"
pair_set a conn="$wish ppk_required = no"
pair_set b conn="" secrets=""
both_begin "a PPK that b does not have"
pair_set b conn="$wish"
both_begin "a PPK that b wants and does not have"

refused() {
    start
    if pair_initiate a >"$PAIR_DIR/out" 2>&1; then
        pair_fail "$1: it was accepted"
    fi
    [[ $(pair_children a) == 0 && $(pair_children b) == 0 ]] || pair_fail "$1: a CHILD_SA"
    pair_step "ok: refused: $1"
    pair_stop a && pair_stop b
}

pair_set b secrets="$other"
refused "two PPKs"
pair_set b conn="" secrets=""
pair_set a conn="$wish ppk_required = yes"
refused "a PPK that b does not have and a requires"

pair_set a secrets="" conn="childless = force"
pair_set b conn="childless = force"
both_begin "childless where both force it"
pair_set b conn="childless = allow"
start
pair_check "childless where b allows it, a begins" pair_initiate a
pair_check "an echo" pair_ping a
pair_stop a && pair_stop b
pair_set b conn="childless = never"
refused "childless where b forbids it"
