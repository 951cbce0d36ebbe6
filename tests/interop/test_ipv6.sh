#!/usr/bin/env bash
# IPv6 outside, IPv6 inside, and both kinds inside at once; route-based tunnels (0.0.0.0/0) and narrowing.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs
pair_up

# carries WHAT INITIATOR CHECK...
carries() {
    local what=$1 node=$2 check
    pair_start a && pair_start b
    pair_load b && pair_load a
    pair_check "$what, $node begins" pair_initiate "$node"
    for check in "${@:3}"; do
        pair_check "$check" "$check" a
        pair_check "$check back" "$check" b
    done
    pair_stop a && pair_stop b
}

both_ts() {
    local node
    for node in a b; do
        pair_set "$node" local_ts="$(pair_inside "$node")/24,$(pair_inside6 "$node")/64" \
            remote_ts="$(pair_inside "$(pair_other "$node")")/24,$(pair_inside6 "$(pair_other "$node")")/64"
    done
}

both_ts
for node in a b; do
    carries "IPv4 outside, both inside" "$node" pair_ping pair_ping6
done
for node in a b; do
    pair_set "$node" local="$(pair_outside6 "$node")" remote="$(pair_outside6 "$(pair_other "$node")")"
done
for node in a b; do
    carries "IPv6 outside, both inside" "$node" pair_ping pair_ping6
done
pair_defaults
pair_set a local_ts=10.1.0.0/24 remote_ts=10.0.0.0/8
carries "narrowed by b" a pair_ping
carries "narrowed by a" b pair_ping
pair_defaults
pair_set b local_ts=0.0.0.0/0 remote_ts=10.1.0.0/24
pair_set a remote_ts=0.0.0.0/0 child="networks = 10.2.0.0/24"
[[ ${PAIR_KINDS[a]} == charon ]] || carries "0.0.0.0/0 behind b" a pair_ping
[[ $(pair_clear) == 0 ]] || pair_fail "packets in clear"
