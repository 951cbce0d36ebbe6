#!/usr/bin/env bash
# A peer that was killed, restarted, or cut off: DPD finds it out, and the dpd, close and start actions do what they say.
# While there is no tunnel, packets are refused and not sent in clear.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs
pair_up

no_child() {
    ! pair_has_child "$1"
}

no_ike_sa() {
    [[ $(pair_sas "$1") == 0 ]]
}

one_ike_sa() {
    [[ $(pair_sas "$1") == 1 ]]
}

refuses() {
    pair_ping a 2>&1 | grep -Eq 'unreachable|100% packet loss' || ! pair_ping a
}

quick="dpd_delay = 1s
        dpd_timeout = 4s"

begin() {
    pair_start a && pair_start b
    pair_load b && pair_load a
    pair_until "an echo" 10 pair_ping a
}

pair_set a conn="$quick" start=start
pair_set b conn="$quick"
for how in TERM KILL; do
    pair_set a dpd=restart close=start
    begin
    pair_stop b "$how"
    pair_until "$how: a notices" 30 no_child a
    pair_check "$how: packets are refused" refuses
    pair_start b
    pair_load b
    pair_until "$how: the tunnel is back when the peer is" 60 pair_ping a
    pair_check "$how: one IKE_SA" one_ike_sa a
    pair_stop a && pair_stop b
done

pair_set a dpd=clear close=none
begin
pair_stop b KILL
pair_until "clear: a gives it up" 30 no_ike_sa a
pair_start b
pair_load b
pair_swanctl b --initiate --child net --timeout 10 >/dev/null
pair_check "the restarted peer begins" pair_ping b
pair_stop b KILL
pair_start b
pair_load b
pair_swanctl b --initiate --child net --timeout 10 >/dev/null
pair_check "killed and restarted at once: it begins, and the old IKE_SA goes" pair_ping b
pair_until "one IKE_SA" 10 one_ike_sa a
pair_stop a && pair_stop b

pair_set a start=trap dpd=trap
pair_start a && pair_start b
pair_load b && pair_load a
pair_check "trap: no IKE_SA before there is a packet" no_ike_sa a
pair_until "trap: the first packets bring it up" 10 pair_ping a
pair_stop a && pair_stop b
[[ $(pair_clear) == 0 ]] || pair_fail "packets in clear"
