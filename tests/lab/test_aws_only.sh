#!/usr/bin/env bash
# A host that cannot touch the gateway: exactly one ModifyVpnTunnelOptions, for the right tunnel, and AWS dials in. Modes
# observe and approve. The other way round: a gateway without any right in AWS.
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/test.sh
. "$LAB_HOME/test.sh"

test_needs
# shellcheck disable=SC2034  # read by lab_up
LAB_TUNNELS=2 LAB_AWS=yes LAB_AWSSIM_ARGS=(--modify-time 4s --telemetry-interval 500ms)
lab_up
lab_hook_start

quick='timing { aws-repair-after = "3s" }'

modified_for() {
    jq -r 'select(.action == "ModifyVpnTunnelOptions" and (.dry_run | not)) | .parameters.VpnTunnelOutsideIpAddress' \
        "$LAB_AWSSIM_LOG"
}

test_step "observe: it proposes and does nothing"
lab_agent_conf mode=observe ike=none more="$quick"
lab_agent_start
lab_wait "both UP" 10 lab_verdict_is 2 UP
lab_replace 2 delete 1
lab_wait "DOWN" 10 lab_verdict_is 2 DOWN
lab_wait "the cause" 30 lab_verdict_is 2 DOWN both-sides-waiting
lab_wait "the proposal" 15 lab_tunnel_is 2 '.decision.proposed == "tunnel-options" and .decision.action == "hold"'
test_check "nothing is changed" lab_never "a change" 5 test "$(lab_aws_calls ModifyVpnTunnelOptions)" != 0
test_check "the other tunnel is not touched" lab_verdict_is 1 UP

test_step "approve: it waits for a person"
lab_agent_conf mode=approve ike=none more="$quick"
kill -HUP "$(lab_agent_pid)"
lab_wait "it waits" 15 lab_tunnel_is 2 '.decision.needs_approval'
test_check "the person is told" lab_wait webhook 10 lab_hooked 1 '.type == "approval.needed"'
test_check "nothing is changed yet" test "$(lab_aws_calls ModifyVpnTunnelOptions)" == 0
lab_rekindle approve || test_fail "approve"
lab_wait "AWS dials in" 40 lab_ping 2
lab_wait "UP" 15 lab_verdict_is 2 UP
test_check "one change, of tunnel 2 alone" test "$(modified_for)" == "$LAB_OUTSIDE_2"
test_check "whose end is told too" lab_wait webhook 15 lab_hooked 1 \
    '.type == "action.finished" and .data.action == "tunnel-options" and .data.succeeded'

test_step "repair: by itself"
lab_wait "available again" 15 lab_tunnel_is 2 '.aws.state == "available"'
lab_agent_conf ike=none more="$quick"$'\n''limits { actions-per-hour = 100 }'
lab_agent_stop
rm -rf "$LAB_AGENT_DIR/state"
lab_agent_start
lab_wait "UP" 10 lab_verdict_is 1 UP
lab_replace 1 silent 2
lab_wait "AWS dials in" 60 lab_ping 1 || test_fail "$(lab_status)"
lab_wait "UP" 15 lab_verdict_is 1 UP
test_check "one more change, of tunnel 1" test "$(modified_for | tr '\n' ' ')" == "$LAB_OUTSIDE_2 $LAB_OUTSIDE_1 "
lab_replace 1 silent 2
lab_wait "the endpoint dials by itself from now on" 20 lab_ping 1
test_check "and nothing more was changed" test "$(lab_aws_calls ModifyVpnTunnelOptions)" == 2
lab_agent_stop

test_step "a gateway without AWS"
test_fresh_tunnel 2 clear add
lab_agent_conf aws=no
lab_agent_start
lab_wait "UP" 10 lab_verdict_is 2 UP
lab_replace 2 delete 3
lab_wait "it dials" 20 lab_ping 2
lab_wait "UP" 15 lab_verdict_is 2 UP
test_check "AWS was not called" test "$(lab_aws_calls ModifyVpnTunnelOptions)" == 2
lab_agent_stop
test_step "passed"
