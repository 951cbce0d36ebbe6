#!/usr/bin/env bash
# rekindled on the gateway, default timing: a replaced endpoint's tunnel is back within 2 s of its return, whether the
# endpoint said DELETE or nothing, without any call that changes AWS; one that is down at the start is repaired too.
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/test.sh
. "$LAB_HOME/test.sh"

test_needs
lab_up
lab_hook_start

# recovers HOW SECONDS
recovers() {
    local how=$1 back first took
    lab_replace 1 "$how" "$2"
    lab_wait "DOWN is seen" 6 lab_verdict_is 1 DOWN || test_fail "$how: no DOWN"
    lab_wait "the cause is seen" 5 lab_verdict_is 1 DOWN endpoint-replacing || test_fail "$how: the cause is wrong"
    lab_wait "the fresh endpoint" 20 lab_is_back 1
    back=$(lab_event_time ep1 back)
    lab_wait "a reply" 15 lab_first_reply "$back" || test_fail "$how: not recovered"
    first=$(lab_first_reply "$back")
    took=$(lab_seconds_between "$back" "$first")
    awk -v t="$took" 'BEGIN { exit !(t <= 2) }' || test_fail "$how: recovered after $took s"
    test_step "ok: replaced ($how), the first reply $took s after the endpoint's return"
    lab_wait "UP is seen" 10 lab_verdict_is 1 UP none || test_fail "$how: UP is not seen"
}

one_ike_sa() {
    (($(lab_swanctl gw --list-sas --noblock | grep -c '^aws-1:') == 1))
}

test_step "down already at the start"
lab_replace 1 delete 1
lab_wait "the fresh endpoint" 10 lab_is_back 1
test_check "nobody initiates" lab_never "a reply" 3 lab_ping 1
lab_agent_conf
lab_agent_start
lab_wait "rekindled repairs it" 15 lab_ping 1
lab_wait "UP is seen" 10 lab_verdict_is 1 UP
test_check "people were told that it was down" lab_wait webhook 5 lab_hooked 1 \
    '.type == "tunnel.down" and .data.cause == "both-sides-waiting"'
test_check "people were told that it is up" lab_wait webhook 5 lab_hooked 1 '.type == "tunnel.up"'

lab_echoes_start 1
recovers delete 4
recovers silent 4
test_step "an outage that outlasts charon's first retransmissions"
recovers silent 15
test_check "one IKE_SA is left" lab_wait "one IKE_SA" 5 one_ike_sa
lab_echoes_stop

test_step "what is told"
test_check "each outage was told once" test "$(lab_hooks_count '.type == "tunnel.down"')" -ge 3
test_check "nothing was changed in AWS" test "$(lab_aws_calls ModifyVpnTunnelOptions)" == 0
test_check "the history names incidents and actions" grep -q 'initiate' <(lab_rekindle history)
lab_rekindle status >"$LAB_DIR/status.txt" || test_fail "status says that something is wrong"
test_check "status is for people" grep -q 'The tunnel is up' "$LAB_DIR/status.txt"
lab_rekindle repair aurora-backup --dry-run >"$LAB_DIR/repair.txt" || :
test_check "a working tunnel is not repaired by itself" test "$(lab_aws_calls ModifyVpnTunnelOptions)" == 0

test_step "the end"
lab_agent_stop TERM
for secret in "$(<"$LAB_PSK_FILE_1")" "$(<"$LAB_DIR/aws-secret")" "$(lab_hook_token)"; do
    ! grep -qrF "$secret" "$LAB_AGENT_LOG" "$LAB_AGENT_DIR/state" "$LAB_DIR/status.txt" ||
        test_fail "a secret stands in the log, the state or the status"
done
test_step "passed"
