#!/usr/bin/env bash
# The outage itself, with strongSwan on both sides and no Rekindle: after a replacement of the endpoint both sides wait
# for each other, where AWS has its default options and the gateway only clears. With StartupAction=start AWS dials.
# WATCH=SECONDS: how long each dead tunnel is watched (12).
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/test.sh
. "$LAB_HOME/test.sh"

WATCH=${WATCH:-12}

test_needs timeout
# The gateway notices a silent peer within 7 s instead of 175: what it then does is the same.
# shellcheck disable=SC2034  # read by lab_up
LAB_AWS=no LAB_GW_DPD_DELAY=3s LAB_GW_RETRANSMIT=$'retransmit_tries = 1\nretransmit_timeout = 2\nretransmit_base = 1'

gateway_has_no_sa() {
    [[ -z $(lab_swanctl gw --list-sas --ike aws-1 --noblock) ]]
}

replace_and_watch() {
    local how=$1
    test_check "traffic flows" lab_ping 1
    test_check "the database answers" lab_tcp 1
    lab_replace 1 "$how" 2
    lab_wait "the fresh endpoint is there" 10 lab_is_back 1
    lab_wait "the gateway gives the IKE_SA up" 20 gateway_has_no_sa
    test_check "the tunnel stays down for $WATCH s" lab_never "a reply" "$WATCH" lab_ping 1
    test_check "nobody initiated" gateway_has_no_sa
    test_check "the gateway initiates once, by hand" lab_initiate 1
    test_check "nothing else was missing: traffic flows" lab_ping 1
}

start=$EPOCHREALTIME
lab_up
test_step "lab_up took $(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 1000)) ms"

test_step "AWS clear/add, gateway clear: replaced with a DELETE"
replace_and_watch delete

test_step "AWS clear/add, gateway clear: replaced in silence"
replace_and_watch silent

test_step "AWS clear/start: AWS dials"
lab_endpoint_options 1 clear start
lab_wait "the endpoint dials" 10 lab_ping 1
for how in delete silent; do
    lab_replace 1 "$how" 2
    lab_wait "down after $how" 5 lab_charon_gone ep1
    lab_wait "back after $how, without anybody's help" 10 lab_ping 1
    test_step "ok: replaced ($how), and back"
done
test_step "passed"
