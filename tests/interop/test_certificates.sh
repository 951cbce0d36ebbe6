#!/usr/bin/env bash
# Authentication by certificates of both kinds, with messages that need fragments, and PSKs that are wrong.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs
pair_up

# authenticates KIND AUTH FRAGMENTATION
authenticates() {
    local node
    pair_certs "$1"
    for node in a b; do
        pair_set "$node" auth="$2" conn="fragmentation = $3"
    done
    pair_start a && pair_start b
    pair_load b && pair_load a
    for node in a b; do
        pair_check "$1, $2, fragmentation=$3, $node begins" pair_initiate "$node"
        pair_check "an echo" pair_ping a
        pair_check "$node ends it" pair_swanctl "$node" --terminate --ike peer --timeout 5
    done
    pair_stop a && pair_stop b
}

authenticates rsa pubkey yes
authenticates rsa pubkey force
authenticates rsa pubkey no
authenticates rsa ike:rsa-sha512 yes
authenticates ecdsa pubkey yes
authenticates ecdsa ike:ecdsa-sha256 yes

# Somebody else's CA: neither side is taken in.
refused() {
    pair_start a && pair_start b
    pair_load b && pair_load a
    for node in a b; do
        if pair_initiate "$node" >"$PAIR_DIR/out" 2>&1; then
            pair_fail "$1: $node begins: it was accepted"
        fi
        [[ $(pair_children a) == 0 && $(pair_children b) == 0 ]] || pair_fail "$1: a CHILD_SA"
    done
    pair_step "ok: refused: $1"
    pair_stop a && pair_stop b
}

cp -r "$PAIR_DIR/a" "$PAIR_DIR/a-before"
pair_certs ecdsa
rm -rf "$PAIR_DIR/a" && mv "$PAIR_DIR/a-before" "$PAIR_DIR/a"
refused "certificates of two CAs"
for node in a b; do
    pair_set "$node" auth=psk
done
pair_set a secret=wrong
refused "two PSKs"
pair_set a secret="$(<"$PAIR_DIR/psk")" id=stranger.example
refused "an identity that b does not know"
