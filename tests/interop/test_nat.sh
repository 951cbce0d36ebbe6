#!/usr/bin/env bash
# A router translates a's address: ports float, keepalives keep the mapping, a new mapping is followed; a NAT is not needed
# for UDP encapsulation.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs conntrack
pair_up

behind_nat() {
    pair_kind a "$1" && pair_kind b "$2"
    pair_nat on
    pair_set b remote=%any
    pair_start a && pair_start b
    pair_load b && pair_load a
    pair_check "$1 behind NAT, $2 outside" pair_initiate a
    pair_check "echoes" pair_ping a
    pair_check "echoes back" pair_ping b
    pair_check "$2 sees the NAT" nat_is_seen b nat-remote
    pair_check "$1 sees the NAT" nat_is_seen a nat-local
    pair_nat rebind
    pair_until "$1 behind a new mapping, seen from a" 60 pair_ping a
    pair_until "$1 behind a new mapping, seen from b" 60 pair_ping b
    pair_check "$1 ends it" pair_swanctl a --terminate --ike peer --timeout 5
    pair_stop a && pair_stop b
    pair_nat off
}

nat_is_seen() {
    pair_list "$1" | grep -q "$2=yes"
}

# The one behind the NAT notices nothing; what it sends makes the new mapping known.
for node in a b; do
    pair_set "$node" conn="dpd_delay = 2s"
done
behind_nat engine charon
behind_nat charon engine
behind_nat engine engine
[[ $(pair_clear) == 0 ]] || pair_fail "packets in clear"
