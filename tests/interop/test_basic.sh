#!/usr/bin/env bash
# The engine and a charon make a tunnel, whoever begins; packets pass both ways and none in clear; both end it.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs
pair_up

# works A_KIND B_KIND INITIATOR
works() {
    local first=$3 second
    second=$(pair_other "$first")
    pair_kind a "$1" && pair_kind b "$2"
    pair_start a && pair_start b
    pair_load b && pair_load a
    pair_check "$1 and $2, $first begins" pair_initiate "$first"
    pair_check "an echo from a" pair_ping a
    pair_check "an echo from b" pair_ping b
    pair_check "$second has the CHILD_SA" pair_has_child "$second"
    pair_check "$first ends it" pair_swanctl "$first" --terminate --ike peer --timeout 5
    [[ $(pair_sas "$second") == 0 ]] || pair_fail "$second still has an IKE_SA"
    pair_stop a && pair_stop b
    [[ $(pair_clear) == 0 ]] || pair_fail "packets in clear"
}

works charon charon a
works engine charon a
works engine charon b
works engine engine a
