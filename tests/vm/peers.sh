#!/usr/bin/env bash
# Inside the virtual machine: the engine against one peer after the other, as initiator and as responder (test_peers.sh).
#
#   peers.sh KIND...      charon, libreswan, openiked
set -uo pipefail

# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

step() {
    printf '%6.1f s  %s: %s\n' "$(cut -d ' ' -f 1 /proc/uptime)" "$peer" "$*"
}

# check WHAT CMD...: the command must succeed. What failed ends this peer, not the others.
check() {
    local what=$1
    shift
    if ! "$@" >"$VM_DIR/check.log" 2>&1; then
        cat "$VM_DIR/check.log"
        step "FAILED: $what"
        return 1
    fi
    step "ok: $what"
}

traffic() {
    check "echoes both ways, $1" ping_both
}

ping_both() {
    vm_ping engine && vm_ping peer
}

# changed ike|child OLD: one SA, with other SPIs than before.
changed() {
    local now
    now=$(vm_engine_spi "$1") && [[ $now != "$2" ]]
}

# rekeyed SIDE ike|child: by that side; the SA is another one, and it carries traffic.
rekeyed() {
    local before
    before=$(vm_engine_spi "$2") || return
    check "the $1 rekeys the $2 SA" "vm_$1_rekey" "$2" &&
        check "there is one $2 SA, a new one" vm_wait "new SPIs" 30 changed "$2" "$before" &&
        traffic "after the $1 rekeyed the $2 SA"
}

both_gone() {
    vm_wait "the engine has no SA" 15 vm_engine_has_nothing && vm_wait "the peer has no SA" 15 vm_peer_has_nothing
}

as_initiator() {
    vm_peer_start "$peer" || return
    check "the engine initiates" vm_engine_initiate &&
        check "the peer has the CHILD_SA" vm_wait "CHILD_SA" 5 vm_peer_has_child &&
        traffic "engine as initiator" &&
        rekeyed engine child && rekeyed engine ike &&
        check "the engine deletes" vm_engine_terminate &&
        check "both have no SA" both_gone
}

# A peer that rekeys by lifetime only gets short ones here, and does so on either side of the exchange before.
as_responder() {
    VM_PEER_REKEYS=yes vm_peer_initiate >"$VM_DIR/initiate.log" 2>&1
    check "the peer initiates" vm_wait "CHILD_SA" 20 vm_engine_has_child &&
        traffic "engine as responder" &&
        rekeyed peer child && rekeyed peer ike &&
        check "the peer deletes" vm_peer_delete &&
        check "both have no SA" both_gone
}

# The engine has 6 s for it (dpd_timeout), as long as charon in its place.
dead_peer() {
    vm_peer_stop >/dev/null && vm_peer_start "$peer" || return
    check "the engine initiates again" vm_engine_initiate &&
        check "the peer dies in silence" vm_peer_stop silent &&
        check "the engine notices" vm_wait "no SA" 25 vm_engine_has_nothing
}

one_peer() {
    as_initiator && as_responder && dead_peer
}

failed=0 peer=setup
vm_up && vm_engine_start || exit 1
step "$VM_ENGINE, $VM_AUTH"
for peer; do
    began=${EPOCHREALTIME/[.,]/}
    one_peer || ((failed += 1))
    vm_peer_stop >/dev/null
    vm_engine_swanctl --terminate --ike tunnel --force --timeout 1 >/dev/null 2>&1
    step "took $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms"
done
peer=router
check "no inner packet in clear" test "$(vm_clear_packets)" = 0 || ((failed += 1))
((failed == 0))
